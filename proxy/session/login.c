/*
 * login.c - a client's login with the account it has in the database.
 *
 *   greet ──> [SSLRequest ──> TLS] ──> login packet ──> [auth switch ──> answer] ──> account's row, answer
 * checked │                           └──> [default schema tried] ──> OK └── refused: held back longer and
 * longer for an address that fails often
 *
 * The rows come from the servers' own account tables (topology/accounts.h). An unknown user costs the same
 * work as a wrong password. Whoever's answer was right has shown us what is needed to log in to the servers
 * in their place.
 *
 * Nothing that came in clear counts once TLS was asked for: it begins with the byte behind the SSLRequest.
 *
 * COM_CHANGE_USER logs in anew. When that fails MySQL closes the connection, MariaDB lets the client be who
 * it was (sql/sql_parse.cc, COM_CHANGE_USER).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "penalty.h"
#include "pointsman/base/log.h"
#include "pointsman/net/tls.h"
#include "pointsman/protocol/auth.h"
#include "pointsman/protocol/collations.h"
#include "pointsman/protocol/handshake.h"
#include "proof.h"
#include "session.h"

/* What the relay understands. */
static const uint32_t understood = CAP_LONG_PASSWORD | CAP_FOUND_ROWS | CAP_LONG_FLAG | CAP_CONNECT_WITH_DB |
                                   CAP_NO_SCHEMA | CAP_ODBC | CAP_LOCAL_FILES | CAP_IGNORE_SPACE |
                                   CAP_PROTOCOL_41 | CAP_INTERACTIVE | CAP_IGNORE_SIGPIPE | CAP_TRANSACTIONS |
                                   CAP_RESERVED | CAP_SECURE_CONNECTION | CAP_MULTI_STATEMENTS |
                                   CAP_MULTI_RESULTS | CAP_PS_MULTI_RESULTS | CAP_PLUGIN_AUTH |
                                   CAP_CONNECT_ATTRS | CAP_PLUGIN_AUTH_LENENC | CAP_EXPIRED_PASSWORDS |
                                   CAP_SESSION_TRACK | CAP_DEPRECATE_EOF | CAP_COMPRESS | CAP_ZSTD;

/* Of it what needs no server: MariaDB's have CLIENT_MYSQL unset to say more. */
static const uint32_t own = CAP_LONG_PASSWORD | CAP_COMPRESS;

enum { CHANGES_FAILED_MOST = 3 /* of a session, as MariaDB has it */ };

/* What is known of a login while it goes on. */
struct login_attempt {
    uint32_t offered; /* capabilities */
    bool with_password;
    struct proof proof;
    char user[256];
    char schema[256];        /* empty: none */
    struct tls *tls;         /* referenced: what it was offered; NULL: nothing, or it is under way */
    struct identity *former; /* referenced: who it was before COM_CHANGE_USER; NULL: nobody */
    struct state *former_initial, *state; /* referenced: what it goes back to then */
};

void login_attempt_free(struct session *session)
{
    struct state_table *states = &session->worker->states;
    struct login_attempt *login = session->login;
    session->login = NULL;
    if (!login)
        return;
    tls_unref(login->tls);
    identity_unref(login->former);
    state_unref(states, login->former_initial);
    state_unref(states, login->state);
    free(login);
}

/* ---- greeting ---- */

/* The server that clients believe to talk to: the primary, else any that was seen. */
static const struct server_look *model(const struct topology *topology)
{
    if (topology->primary != TOPOLOGY_NOBODY)
        return &topology->servers[topology->primary].look;
    for (size_t i = 0; i < topology->count; i++)
        if (topology->servers[i].look.ever)
            return &topology->servers[i].look;
    return NULL;
}

/* The plugin that its servers' accounts have, if they don't say another. */
static enum account_plugin usual_plugin(const struct worker *worker)
{
    const struct server_look *look = model(worker->topology);
    return look && !look->mariadb ? PLUGIN_CACHING_SHA2 : PLUGIN_NATIVE;
}

/* What clients are offered: what is understood here, and every server behind can do. */
static uint32_t offered(const struct topology *topology)
{
    uint32_t all = understood;
    bool any = false;
    for (size_t i = 0; i < topology->count; i++)
        if (topology->servers[i].look.ever) {
            all &= topology->servers[i].look.capabilities | own;
            any = true;
        }
    return any ? all : understood & ~(uint32_t)CAP_ZSTD;
}

static void refuse_early(struct session *session, enum server_error code)
{
    session->capabilities = 0;
    session_send_error(session, 0, code, session_host(session));
}

bool login_greet(struct session *session)
{
    struct worker *worker = session->worker;
    const struct config *config = worker_config(worker);
    if (atomic_load(&worker->shared->clients) > config->max_connections) {
        refuse_early(session, SERVER_ERROR_TOO_MANY_CONNECTIONS);
        return false;
    }
    if (!worker->accounts->known)
        return true; /* no server could be asked yet: the greeting comes when one was (login_greet_late) */
    if (!accounts_host_allowed(worker->accounts, session->address)) {
        refuse_early(session, SERVER_ERROR_HOST_NOT_ALLOWED);
        return false;
    }
    session->login = calloc(1, sizeof *session->login);
    if (session->login)
        session->login->tls = tls_current();
    if (!session->login || !auth_scramble_make(session->scramble)) {
        refuse_early(session, SERVER_ERROR_OUT_OF_RESOURCES);
        return false;
    }
    session->login->offered = offered(worker->topology) | (session->login->tls ? CAP_SSL : 0);
    const struct server_look *look = model(worker->topology);
    const char *plugin = proof_plugin_name(usual_plugin(worker));
    char version[128] = "8.0.0-pointsman";
    if (look)
        snprintf(version, sizeof version, "%s%s", look->mariadb ? "5.5.5-" : "", look->version_text);
    struct greeting greeting = {.version = {(const uint8_t *)version, strlen(version)},
                                .connection_id = session->id,
                                .capabilities = session->login->offered,
                                .collation = look && look->collation ? look->collation : 45,
                                .status = STATUS_AUTOCOMMIT,
                                .plugin = {(const uint8_t *)plugin, strlen(plugin)}};
    memcpy(greeting.scramble, session->scramble, SCRAMBLE_LENGTH);
    uint8_t packet[512];
    struct writer w = writer_of(packet, sizeof packet);
    size_t mark = packet_begin(&w);
    greeting_write(&w, &greeting);
    packet_end(&w, mark, 0);
    session_send(session, packet, writer_length(&w));
    return true;
}

void login_greet_late(struct session *session)
{
    if (!session->login && !session->awaits_header && session->worker->accounts->known &&
        !login_greet(session))
        session_close(session);
}

/* ---- refusing ---- */

/* It has its ERR. */
static void fail(struct session *session)
{
    struct login_attempt *login = session->login;
    if (!login->former) {
        session_close(session);
        return;
    }
    struct state *states[] = {session->initial, session->state};
    struct identity *failed = session->identity;
    session->identity = login->former;
    session->initial = login->former_initial;
    session->state = login->state;
    login->former = failed;
    login->former_initial = states[0];
    login->state = states[1];
    login_attempt_free(session);
    session->row_count = -1;
    session->changes_failed++;
    session_consume(session);
    session_step_to(session, SESSION_READY);
    session_next(session);
}

void login_refuse_now(struct session *session)
{
    const struct login_attempt *login = session->login;
    session_send_error(session, session->sequence, SERVER_ERROR_ACCESS_DENIED, login->user,
                       session_host(session), login->with_password ? "YES" : "NO");
    fail(session);
}

static void refuse(struct session *session)
{
    uint64_t now = session_now(session);
    figure_add(&session->worker->figures.login_failures, 1);
    log_event(LOG_INFO, "login-refused", NULL, log_text("user", session->login->user),
              log_text("host", session_host(session)));
    session->deadline = now + penalty_of(session_host(session), now);
    session_step_to(session, SESSION_REFUSING);
    if (session->deadline <= now)
        login_refuse_now(session);
    else
        worker_hurry(session->worker);
}

static void refuse_with(struct session *session, enum server_error code)
{
    figure_add(&session->worker->figures.login_failures, 1);
    session_send_error(session, session->sequence, code, session->login->user, session_host(session));
    fail(session);
}

/* ---- the account ---- */

/* The initial state: the character set that the client's collation stands for, and nothing else. */
static struct state *initial_state(struct session *session, uint16_t id)
{
    struct worker *worker = session->worker;
    const struct server_look *look = model(worker->topology);
    const struct collation *collation = collation_by_id(id, !look || look->mariadb);
    char names[160] = "DEFAULT";
    if (collation)
        snprintf(names, sizeof names, "%s COLLATE %s", collation->charset, collation->name);
    return state_with(&worker->states, worker->states.empty, STATE_NAMES, "", 0, names, strlen(names));
}

static void count_tls(struct session *session)
{
    figure_add(&session->worker->figures.tls_logins, 1);
    if (conn_resumed(&session->conn))
        figure_add(&session->worker->figures.tls_resumed, 1);
}

static void welcome(struct session *session)
{
    figure_add(&session->worker->figures.logins, 1);
    if (conn_is_secure(&session->conn) && !session->login->former)
        count_tls(session);
    penalty_forgive(session_host(session));
    login_attempt_free(session);
    session_consume(session);
    session_step_to(session, SESSION_READY);
    session_send_ok(session, session->sequence);
    enum conn_compression how = session->capabilities & CAP_COMPRESS ? CONN_ZLIB : CONN_ZSTD;
    if (session->capabilities & (CAP_COMPRESS | CAP_ZSTD) && !session->conn.zip &&
        !conn_compress(&session->conn, how, session->zstd_level)) {
        session_close(session);
        return;
    }
    session_next(session);
}

/* Tries the default schema on a server, whose own words the client gets if there is none or it may not be
 * used. */
static void open_schema(struct session *session, const char *schema, size_t length)
{
    struct worker *worker = session->worker;
    struct chunk *in = chunk_take(&worker->chunks, PACKET_HEADER + 1 + length);
    if (!in) {
        session_close(session);
        return;
    }
    struct writer w = writer_of(in->data, in->capacity);
    size_t mark = packet_begin(&w);
    write_u8(&w, COM_INIT_DB);
    write_bytes(&w, schema, length);
    packet_end(&w, mark, 0);
    in->end = (uint32_t)writer_length(&w);
    chunk_give(&worker->chunks, session->conn.in);
    session->conn.in = in;
    session->request = in->end;
    session->code = COM_INIT_DB;
    session->statement = route_statement_unread(SQL_REASON_SESSION_STATE, true);
    session->statement.kind = ROUTE_CLASS_STATE;
    session->statement.verb = SQL_USE;
    session_step_to(session, SESSION_OPENING);
    statement_begin(session);
}

void login_tried(struct session *session, struct backend *backend)
{
    struct state_table *states = backend->pool->set->states;
    if (!session) {
        backend->tainted = true; /* nobody knows any more in which schema it is */
        return;
    }
    const char *schema = session->login->schema;
    struct state *mine = state_with(states, session->state, STATE_SCHEMA, "", 0, schema, strlen(schema));
    struct state *its = state_with(states, backend->state, STATE_SCHEMA, "", 0, schema, strlen(schema));
    if (mine)
        effects_set_state(session, mine);
    if (its)
        backend_set_state(backend, its);
    else
        backend->tainted = true;
    state_unref(states, its);
}

void login_opened(struct session *session, const struct answer_err *err)
{
    if (!err) {
        welcome(session);
        return;
    }
    figure_add(&session->worker->figures.login_failures, 1);
    session_send_err(session, session->sequence, err->code, err->state, (const char *)err->message.at,
                     err->message.length);
    fail(session);
}

/* REQUIRE SSL and what is more. A certificate of its own can't be passed on to the server: who must show one
 * can't come through here. */
static bool is_secure_enough(const struct session *session, const struct account *account)
{
    if (account->certificate_required)
        log_event(LOG_WARNING, "certificate-required",
                  "accounts that must show a certificate can't log in through a proxy (REQUIRE X509)",
                  log_text("user", session->login->user), log_text("host", session_host(session)));
    return !account->certificate_required && (!account->tls_required || conn_is_secure(&session->conn));
}

/* Its account's row; NULL: nobody's, or one that the proxy may not stand for. */
static const struct account *row_of(const struct session *session, enum account_verdict *ret_verdict)
{
    const struct worker *worker = session->worker;
    const struct account *account = NULL;
    bool same = worker_config(worker)->account_hosts == CONFIG_ACCOUNT_HOSTS_SAME;
    *ret_verdict = accounts_find(worker->accounts, session->login->user, session->address, same, &account);
    return *ret_verdict == ACCOUNT_OK ? account : NULL;
}

static void let_in(struct session *session, const struct account *account)
{
    const struct login_attempt *login = session->login;
    const struct server_look *look = model(session->worker->topology);
    if (!is_secure_enough(session, account))
        refuse(session);
    else if (account->locked)
        refuse_with(session, look && !look->mariadb ? SERVER_ERROR_ACCOUNT_LOCKED_MYSQL
                                                    : SERVER_ERROR_ACCOUNT_LOCKED_MARIADB);
    else if (account->expired)
        refuse_with(session, SERVER_ERROR_PASSWORD_EXPIRED_LOGIN);
    else if (*login->schema)
        open_schema(session, login->schema, strlen(login->schema));
    else
        welcome(session);
}

static void admit(struct session *session, struct bytes answer)
{
    struct login_attempt *login = session->login;
    enum account_verdict verdict;
    const struct account *account = row_of(session, &verdict);
    if (verdict == ACCOUNT_OTHER_ROW)
        log_event(LOG_WARNING, "account-hosts-differ",
                  "the client's address and the proxy's select different rows of the account (account_hosts)",
                  log_text("user", login->user), log_text("host", session_host(session)));
    login->with_password |= !proof_is_empty(&login->proof, answer);
    switch (proof_take(session, &login->proof, login->user, account, answer)) {
    case PROOF_GOOD: let_in(session, account); break;
    case PROOF_WRONG: refuse(session); break;
    case PROOF_ASKED: session_consume(session); break;
    }
}

/* ---- packets ---- */

static void ask_again(struct session *session)
{
    uint8_t packet[128];
    struct writer w = writer_of(packet, sizeof packet);
    size_t mark = packet_begin(&w);
    auth_switch_write(&w, proof_plugin_name(session->login->proof.plugin), session->scramble);
    packet_end(&w, mark, session->sequence);
    session_step_to(session, SESSION_SWITCHED);
    session_send(session, packet, writer_length(&w));
}

static bool copy(char *to, size_t size, struct bytes from)
{
    if (from.length >= size)
        return false;
    if (from.length)
        memcpy(to, from.at, from.length);
    to[from.length] = 0;
    return true;
}

static bool is_named(struct bytes plugin, enum account_plugin kind)
{
    const char *name = proof_plugin_name(kind);
    return plugin.length == strlen(name) && memcmp(plugin.at, name, plugin.length) == 0;
}

static enum account_plugin plugin_of(struct bytes plugin)
{
    if (!plugin.at || is_named(plugin, PLUGIN_NATIVE))
        return PLUGIN_NATIVE;
    return is_named(plugin, PLUGIN_CACHING_SHA2) ? PLUGIN_CACHING_SHA2 : PLUGIN_OTHER;
}

/* Whether the login's answer is one by its account's plugin. With caching_sha2_password none may mean that
 * the client has not seen a scramble for it yet. */
static bool has_answered(struct session *session, const struct login *login)
{
    struct proof *proof = &session->login->proof;
    enum account_verdict verdict;
    const struct account *account = row_of(session, &verdict);
    enum account_plugin spoken = plugin_of(login->plugin);
    proof->plugin = proof_plugin(account, usual_plugin(session->worker), spoken);
    return spoken == proof->plugin && (spoken == PLUGIN_NATIVE || login->auth.length > 0);
}

static void begin(struct session *session, const struct login *login)
{
    struct worker *worker = session->worker;
    state_unref(&worker->states, session->initial);
    state_unref(&worker->states, session->state);
    session->initial = initial_state(session, login->collation);
    session->state = session->initial ? state_ref(session->initial) : NULL;
    if (!session->initial) {
        session_send_error(session, session->sequence, SERVER_ERROR_OUT_OF_RESOURCES);
        session_close(session);
    } else if (!copy(session->login->user, sizeof session->login->user, login->user) ||
               !copy(session->login->schema, sizeof session->login->schema, login->database)) {
        session_send_error(session, session->sequence, SERVER_ERROR_HANDSHAKE);
        session_close(session);
    } else if (has_answered(session, login)) {
        admit(session, login->auth);
    } else {
        session_consume(session);
        ask_again(session);
    }
}

/* By TCP in clear a network can read it. */
static bool is_insecure(const struct session *session)
{
    return !conn_is_secure(&session->conn) && session->address;
}

static void first_packet(struct session *session, const uint8_t *payload, size_t length)
{
    struct login login;
    /* Who says CAP_SSL goes on in TLS: in clear such a packet is no login, however long it is. */
    if (!login_read(payload, length, session->login->offered, &login) ||
        !(login.capabilities & CAP_PROTOCOL_41) ||
        (login.capabilities & CAP_SSL && !conn_is_secure(&session->conn))) {
        session_send_error(session, session->sequence, SERVER_ERROR_HANDSHAKE);
        session_close(session);
        return;
    }
    session->capabilities = login.capabilities & session->login->offered & ~(uint32_t)CAP_SSL;
    session->zstd_level = login.zstd_level;
    if (worker_config(session->worker)->tls_require && is_insecure(session))
        refuse_with(session, SERVER_ERROR_SECURE_TRANSPORT_REQUIRED);
    else
        begin(session, &login);
}

bool login_secure(struct session *session, const uint8_t *payload, size_t length, uint8_t sequence)
{
    uint32_t capabilities;
    struct tls *tls = session->login->tls;
    bool asked = session->step == SESSION_GREETED && tls && sequence == (uint8_t)(session->sequence + 1) &&
                 login_is_ssl_request(payload, length, &capabilities);
    if (!asked)
        return false;
    session->sequence = sequence;
    session->login->tls = NULL;
    session_consume(session);
    if (conn_secure_client(&session->conn, tls->clients) != CONN_OK)
        session_close(session);
    tls_unref(tls);
    return true;
}

void login_packet(struct session *session, const uint8_t *payload, size_t length, uint8_t sequence)
{
    bool in_order = sequence == (uint8_t)(session->sequence + 1); /* behind what was sent last */
    session->sequence = (uint8_t)(sequence + 1);
    if (!in_order) {
        session_send_error(session, session->sequence, SERVER_ERROR_OUT_OF_ORDER);
        session_close(session);
    } else if (session->step == SESSION_GREETED) {
        first_packet(session, payload, length);
    } else {
        admit(session, (struct bytes){payload, length});
    }
}

/* What is left of a session whose COM_CHANGE_USER fails: schema and role. NULL: no memory. */
static struct state *state_after_failure(struct session *session)
{
    struct state_table *states = &session->worker->states;
    struct state *base = initial_state(session, 0), *after = NULL;
    if (base)
        after = state_after_reset(states, base, session->state);
    state_unref(states, base);
    return after;
}

/* Keeps who it was, if it may become that again. */
static bool remember(struct session *session)
{
    const struct server_look *look = model(session->worker->topology);
    struct login_attempt *login = session->login;
    if (!look || !look->mariadb)
        return true;
    login->state = state_after_failure(session);
    login->former_initial = state_ref(session->initial);
    login->former = identity_ref(session->identity);
    return login->state != NULL;
}

/* Everything of the session ends, and it logs in again. The scramble stays the greeting's, as servers have
 * it: client libraries answer with that one, whatever an auth switch brings. */
void login_change_user(struct session *session, const uint8_t *payload, size_t length)
{
    struct login login;
    session->sequence = 1;
    session->login = calloc(1, sizeof *session->login);
    if (!session->login || !remember(session)) {
        session_send_error(session, 1, SERVER_ERROR_OUT_OF_RESOURCES);
        session_close(session);
        return;
    }
    if (session->changes_failed >= CHANGES_FAILED_MOST) {
        session_send_error(session, 1, SERVER_ERROR_UNKNOWN_COMMAND);
        fail(session);
        return;
    }
    if (!change_user_read(payload, length, session->capabilities, &login)) {
        session_send_error(session, 1, SERVER_ERROR_HANDSHAKE);
        session_close(session);
        return;
    }
    identity_unref(session->identity);
    session->identity = NULL;
    session->status = STATUS_AUTOCOMMIT;
    session->lost = 0;
    session->step = SESSION_GREETED;
    session->since = session_now(session);
    list_append(&session->worker->logins, &session->phase_link);
    begin(session, &login);
}
