/*
 * proof.c - whether a client knows its account's password: see proof.h.
 *
 *   mysql_native_password   SCRAMBLE ──> good or wrong
 *
 *   caching_sha2_password   SCRAMBLE ──answer by a password that we know──> good (fast path)
 *                              └─else─> PASSWORD ──in clear, by TLS or unix socket──> good or wrong
 *                                          └─asks for our key─> ENCRYPTED ──> good or wrong
 *
 * A password that was right is kept (topology/secrets.h), so that the full path is gone once for all workers,
 * and the servers can be answered. A wrong password, and that of nobody, goes the full path every time:
 * neither the turns nor their times tell them apart.
 */
#include "proof.h"

#include <openssl/crypto.h>
#include <string.h>

#include "pointsman/net/login_key.h"
#include "pointsman/protocol/auth.h"
#include "pointsman/protocol/handshake.h"
#include "pointsman/topology/secrets.h"

/* What a turn is judged by. */
struct judging {
    struct session *session;
    struct proof *proof;
    const char *user;
    const struct account *account; /* NULL: nobody's */
    struct bytes answer;
};

static enum proof_outcome admit(const struct judging *judging, const uint8_t *stage1, const char *password,
                                bool learnt)
{
    struct session *session = judging->session;
    struct identities *identities = &session->worker->identities;
    uint64_t serial = judging->account->serial;
    session->identity = learnt ? identity_intern_learnt(identities, judging->user, serial)
                               : identity_intern(identities, judging->user, serial, stage1, password);
    return session->identity ? PROOF_GOOD : PROOF_WRONG;
}

/* ---- mysql_native_password ---- */

static enum proof_outcome native_scramble(const struct judging *judging)
{
    static const uint8_t nobody[NATIVE_LENGTH] = {1};
    const struct account *account = judging->account;
    struct bytes answer = judging->answer;
    uint8_t stage1[NATIVE_LENGTH], stage2[NATIVE_LENGTH];
    const uint8_t *expected = account && account->plugin == PLUGIN_NATIVE ? account->stage2 : nobody;
    bool has_password = !account || account->has_password || account->plugin != PLUGIN_NATIVE;
    if (account && account->password) {
        if (!auth_native_stage1(account->password, strlen(account->password), stage1) ||
            !auth_native_stage2(stage1, stage2))
            return PROOF_WRONG;
        expected = stage2;
        has_password = *account->password != 0;
    }
    bool right = auth_native_check(answer.at, answer.length, judging->session->scramble, expected, stage1);
    if (!has_password)
        right = answer.length == 0;
    enum proof_outcome outcome = PROOF_WRONG;
    if (account && right)
        outcome = admit(judging, has_password && !account->password ? stage1 : NULL, account->password,
                        false);
    explicit_bzero(stage1, sizeof stage1);
    return outcome;
}

/* ---- caching_sha2_password ---- */

static bool has_password(const struct account *account)
{
    return !account || (account->password ? *account->password != 0 : account->has_password);
}

/* Of [accounts], or as a client has told it. To be wiped by the caller. */
static bool know(const struct account *account, char password[AUTH_PASSWORD_MAX + 1])
{
    if (!account)
        return false;
    if (!account->password)
        return secrets_know(account->serial, password);
    if (strlen(account->password) > AUTH_PASSWORD_MAX)
        return false;
    strcpy(password, account->password);
    return true;
}

static void ask(const struct judging *judging, enum proof_turn turn, const void *data, size_t length)
{
    struct session *session = judging->session;
    uint8_t packet[PACKET_HEADER + 1 + AUTH_KEY_MAX];
    struct writer w = writer_of(packet, sizeof packet);
    size_t mark = packet_begin(&w);
    write_u8(&w, AUTH_MORE);
    write_bytes(&w, data, length);
    packet_end(&w, mark, session->sequence);
    judging->proof->turn = turn;
    session_step_to(session, SESSION_SWITCHED);
    session_send(session, packet, writer_length(&w));
}

/* The server's word for it goes ahead of the OK. */
static void tell_fast(const struct judging *judging)
{
    ask(judging, PROOF_SCRAMBLE, &(uint8_t){AUTH_MORE_FAST}, 1);
    judging->session->sequence++;
}

static enum proof_outcome sha2_scramble(const struct judging *judging)
{
    const struct account *account = judging->account;
    struct bytes answer = judging->answer;
    char password[AUTH_PASSWORD_MAX + 1] = {0};
    bool empty = proof_is_empty(judging->proof, answer);
    if (empty && account && !has_password(account))
        return admit(judging, NULL, account->password, false);
    if (empty || !has_password(account))
        return PROOF_WRONG;
    bool known = know(account, password);
    bool right = auth_sha2_check(answer.at, answer.length, judging->session->scramble, password,
                                 strlen(password));
    explicit_bzero(password, sizeof password);
    if (!known || !right) {
        ask(judging, PROOF_PASSWORD, &(uint8_t){AUTH_MORE_FULL}, 1);
        return PROOF_ASKED;
    }
    tell_fast(judging);
    return admit(judging, NULL, account->password, !account->password);
}

/* Only what is right is quick: it takes as long to be nobody as to be wrong. */
static enum proof_outcome judge_password(const struct judging *judging, const char *password, size_t length)
{
    const struct account *account = judging->account;
    char known[AUTH_PASSWORD_MAX + 1] = {0};
    bool right = know(account, known) && strlen(known) == length &&
                 CRYPTO_memcmp(known, password, length) == 0;
    explicit_bzero(known, sizeof known);
    if (right)
        return admit(judging, NULL, account->password, !account->password);
    right = auth_sha2_verify(account ? account->auth_string : "", password, length);
    if (!right || !account || account->password)
        return PROOF_WRONG;
    return secrets_learn(account->serial, password, length) ? admit(judging, NULL, NULL, true) : PROOF_WRONG;
}

static enum proof_outcome sha2_encrypted(const struct judging *judging)
{
    char password[AUTH_PASSWORD_MAX + 1];
    size_t length = 0;
    bool read = login_key_decrypt(judging->answer.at, judging->answer.length, judging->session->scramble,
                                  password, &length);
    enum proof_outcome outcome = read ? judge_password(judging, password, length) : PROOF_WRONG;
    explicit_bzero(password, sizeof password);
    return outcome;
}

static enum proof_outcome offer_key(const struct judging *judging)
{
    struct bytes pem;
    if (!login_key_pem(&pem))
        return PROOF_WRONG;
    ask(judging, PROOF_ENCRYPTED, pem.at, pem.length);
    return PROOF_ASKED;
}

/* In clear only where nobody can listen. Who has our key already encrypts unasked. */
static enum proof_outcome sha2_password(const struct judging *judging)
{
    struct bytes answer = judging->answer;
    bool alone = conn_is_secure(&judging->session->conn) || !judging->session->address;
    if (answer.length == 1 && answer.at[0] == AUTH_ASKS_KEY)
        return offer_key(judging);
    if (!alone)
        return sha2_encrypted(judging);
    bool whole = answer.length > 0 && memchr(answer.at, 0, answer.length) == answer.at + answer.length - 1;
    enum proof_outcome outcome = whole ? judge_password(judging, (const char *)answer.at, answer.length - 1)
                                       : PROOF_WRONG;
    explicit_bzero((void *)(uintptr_t)answer.at, answer.length); /* where it was read into */
    return outcome;
}

/* ---- both ---- */

static enum proof_outcome wrong(const struct judging *judging)
{
    (void)judging;
    return PROOF_WRONG;
}

typedef enum proof_outcome turn_function(const struct judging *judging);

static turn_function *const turns[2][PROOF_TURNS] = {
    [PLUGIN_NATIVE] = {native_scramble, wrong, wrong},
    [PLUGIN_CACHING_SHA2] = {sha2_scramble, sha2_password, sha2_encrypted},
};

enum proof_outcome proof_take(struct session *session, struct proof *proof, const char *user,
                              const struct account *account, struct bytes answer)
{
    struct judging judging = {session, proof, user, account, answer};
    return turns[proof->plugin][proof->turn](&judging);
}

bool proof_is_empty(const struct proof *proof, struct bytes answer)
{
    return answer.length == 0 ||
           (proof->plugin == PLUGIN_CACHING_SHA2 && answer.length == 1 && answer.at[0] == 0);
}

enum account_plugin proof_plugin(const struct account *account, enum account_plugin usual,
                                 enum account_plugin offered)
{
    enum account_plugin plugin = account ? account->plugin : usual;
    if (account && account->password && offered != PLUGIN_OTHER)
        return offered; /* whose password is known can answer by either */
    return plugin == PLUGIN_CACHING_SHA2 ? plugin : PLUGIN_NATIVE;
}

const char *proof_plugin_name(enum account_plugin plugin)
{
    return plugin == PLUGIN_CACHING_SHA2 ? "caching_sha2_password" : "mysql_native_password";
}
