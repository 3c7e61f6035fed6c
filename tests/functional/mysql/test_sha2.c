/*
 * test_sha2.c - caching_sha2_password between clients, the proxy and MySQL's servers: fast and full path on
 * both sides, passwords that change, and who must not get in. Only with POINTSMAN_FLAVOUR=mysql.
 *
 *   proxy   servers = preferred: the servers have TLS, by certificates of their own making
 *   bare    servers = off: what goes to the servers goes under RSA
 *
 * Proxies learn passwords, which tests must not share: each has an account of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../cluster/cluster.h"
#include "../../cluster/pointsman.h"
#include "../../cluster/rawclient.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 15000, SHA2 = 32 };

static struct cluster *set;
static struct pointsman *proxy, *bare;

static int start_all(void **state)
{
    const struct cluster_options options = {.servers = 2};
    const struct pointsman_options secure = {.pointsman = "workers = 2\n",
                                             .more = "[accounts]\ngiven = given-secret\n"},
                                   clear = {.more = "[tls]\nservers = off\n"};
    (void)state;
    set = cluster_start(&options);
    if (set && (proxy = pointsman_start(set, &secure)) && (bare = pointsman_start(set, &clear)))
        return 0;
    cluster_stop(set);
    return -1;
}

static int stop_all(void **state)
{
    (void)state;
    int status = pointsman_stop(proxy) | pointsman_stop(bare);
    cluster_stop(set);
    return status;
}

/* ---- a client that goes step by step ---- */

enum way { BY_CLEAR, BY_TLS, BY_SOCKET };

/* What became of a login, and by which turns: f fast path, F full path asked for, K key sent, s auth switch.
 */
struct outcome {
    unsigned code; /* 0: in */
    char turns[8];
};

static size_t sha2_answer(const char *password, const uint8_t *scramble, uint8_t *out)
{
    uint8_t one[SHA2], both[SHA2 + RAW_SCRAMBLE], mask[SHA2];
    if (!*password)
        return 0;
    EVP_Digest(password, strlen(password), one, NULL, EVP_sha256(), NULL);
    EVP_Digest(one, SHA2, both, NULL, EVP_sha256(), NULL);
    memcpy(both + SHA2, scramble, RAW_SCRAMBLE);
    EVP_Digest(both, sizeof both, mask, NULL, EVP_sha256(), NULL);
    for (int i = 0; i < SHA2; i++)
        out[i] = one[i] ^ mask[i];
    return SHA2;
}

static void note(struct outcome *outcome, char turn)
{
    outcome->turns[strlen(outcome->turns)] = turn;
}

static void send_login(struct raw *raw, enum way way, const char *user, const char *password)
{
    static const char plugin[] = "caching_sha2_password";
    uint8_t packet[400] = {0}, answer[SHA2];
    uint32_t capabilities = RAW_PLAIN | (way == BY_TLS ? RAW_SSL : 0);
    size_t at = 32, length = sha2_answer(password, raw->scramble, answer);
    raw->capabilities = RAW_PLAIN & raw->offered;
    memcpy(packet, &capabilities, 4);
    packet[8] = 45;
    at += (size_t)sprintf((char *)packet + at, "%s", user) + 1;
    packet[at++] = (uint8_t)length;
    memcpy(packet + at, answer, length);
    at += length;
    memcpy(packet + at, plugin, sizeof plugin);
    raw_packet(raw, way == BY_TLS ? 2 : 1, packet, at + sizeof plugin);
}

/* Answers what is asked until it is over. `asks_key`: by clear, to be sent our key. */
static void go_on(struct raw *raw, enum way way, const char *password, struct outcome *outcome)
{
    struct raw_err err;
    uint8_t answer[SHA2];
    outcome->code = 9999;
    while (strlen(outcome->turns) < 6 && raw_read(raw) == RAW_GOT && raw->length) {
        uint8_t next = (uint8_t)(raw->sequence + 1);
        if (raw->packet[0] == 0) {
            outcome->code = 0;
            return;
        } else if (raw_err(raw, &err)) {
            outcome->code = err.code;
            return;
        } else if (raw->packet[0] == 0xfe) {
            note(outcome, 's');
            raw_packet(raw, next, answer, sha2_answer(password, raw->packet + 1 + 22, answer));
        } else if (raw->packet[0] == 1 && raw->length == 2 && raw->packet[1] == 3) {
            note(outcome, 'f');
        } else if (raw->packet[0] == 1 && raw->length == 2 && raw->packet[1] == 4) {
            note(outcome, 'F');
            if (way == BY_CLEAR)
                raw_packet(raw, next, "\x02", 1);
            else
                raw_packet(raw, next, password, strlen(password) + 1);
        } else { /* the key: the library's clients have the rest */
            note(outcome, 'K');
            return;
        }
    }
}

static struct outcome login_as(struct pointsman *to, enum way way, const char *user, const char *password)
{
    struct outcome outcome = {0};
    struct raw *raw = raw_dial(to->port, way == BY_SOCKET ? to->socket : NULL);
    assert_true(raw_greeting(raw));
    if (way == BY_TLS)
        assert_true(raw_secure(raw, NULL));
    send_login(raw, way, user, password);
    go_on(raw, way, password, &outcome);
    raw_close(raw);
    return outcome;
}

static void expect(struct pointsman *to, enum way way, const char *user, const char *password, unsigned code,
                   const char *turns)
{
    struct outcome outcome = login_as(to, way, user, password);
    if (outcome.code != code || strcmp(outcome.turns, turns) != 0)
        fail_msg("%s/%s: %u by '%s', not %u by '%s'", user, password, outcome.code, outcome.turns, code,
                 turns);
}

/* ---- accounts ---- */

struct known {
    struct pointsman *to;
    const char *user, *password;
};

static bool is_in(void *arg)
{
    const struct known *known = arg;
    return login_as(known->to, BY_TLS, known->user, known->password).code == 0;
}

static void await_login(struct pointsman *to, const char *user, const char *password)
{
    struct known known = {to, user, password};
    if (!wait_for(is_in, &known, PATIENCE_MS))
        fail_msg("%s can't log in", user);
}

/* A new account, which both proxies know of without having been told its password: a marker behind it tells.
 */
static void make_account(const char *user)
{
    static int markers;
    char marker[20];
    snprintf(marker, sizeof marker, "marker%d", markers++);
    assert_int_equal(cluster_sql(set, 0, "CREATE USER %s@'%%' IDENTIFIED BY '%s-secret'", user, user), 0);
    assert_int_equal(cluster_sql(set, 0, "GRANT ALL ON shop.* TO %s@'%%'", user), 0);
    assert_int_equal(cluster_sql(set, 0, "CREATE USER %s@'%%' IDENTIFIED BY 'x'", marker), 0);
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
    await_login(proxy, marker, "x");
    await_login(bare, marker, "x");
}

/* ---- tests ---- */

static void the_password_is_asked_for_once(void **state)
{
    (void)state;
    make_account("once");
    expect(proxy, BY_TLS, "once", "once-secret", 0, "F");
    for (int i = 0; i < 4; i++) { /* by whichever worker */
        expect(proxy, BY_TLS, "once", "once-secret", 0, "f");
        expect(proxy, BY_CLEAR, "once", "once-secret", 0, "f");
        expect(proxy, BY_SOCKET, "once", "once-secret", 0, "f");
    }
    make_account("local");
    expect(proxy, BY_SOCKET, "local", "local-secret", 0, "F");
    expect(proxy, BY_CLEAR, "local", "local-secret", 0, "f");
}

/* Known or not, by turns that are the same. */
static void wrong_passwords(void **state)
{
    (void)state;
    make_account("wronged");
    for (int i = 0; i < 2; i++) {
        expect(proxy, BY_TLS, "wronged", "wrong", 1045, "F");
        expect(proxy, BY_TLS, "stranger", "wrong", 1045, "F");
        expect(proxy, BY_SOCKET, "wronged", "wrong", 1045, "F");
        expect(proxy, BY_CLEAR, "wronged", "wrong", 9999, "FK");
        expect(proxy, BY_CLEAR, "stranger", "wrong", 9999, "FK");
        expect(proxy, BY_TLS, "wronged", "", 1045, "s");
        await_login(proxy, "wronged", "wronged-secret");
    }
}

/* In clear the password itself is nothing that is taken. */
static void passwords_in_clear_are_not_taken(void **state)
{
    struct raw *raw = raw_dial(proxy->port, NULL);
    struct raw_err err;
    (void)state;
    make_account("naive");
    assert_true(raw_greeting(raw));
    send_login(raw, BY_CLEAR, "naive", "naive-secret");
    assert_int_equal(raw_read(raw), RAW_GOT);
    raw_packet(raw, (uint8_t)(raw->sequence + 1), "naive-secret", 13);
    assert_int_equal(raw_read(raw), RAW_GOT);
    assert_true(raw_err(raw, &err));
    assert_int_equal(err.code, 1045);
    raw_close(raw);
    await_login(proxy, "naive", "naive-secret");
}

static void accounts_without_password(void **state)
{
    (void)state;
    assert_int_equal(cluster_sql(set, 0, "CREATE USER open@'%%'; GRANT SELECT ON shop.* TO open@'%%'"), 0);
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
    await_login(proxy, "open", "");
    expect(proxy, BY_TLS, "open", "", 0, "s");
    expect(proxy, BY_CLEAR, "open", "x", 1045, "");
    await_login(proxy, "open", "");
}

static void given_passwords_take_the_fast_path(void **state)
{
    (void)state;
    make_account("given");
    expect(proxy, BY_CLEAR, "given", "given-secret", 0, "f");
    expect(proxy, BY_TLS, "given", "wrong", 1045, "F");
    await_login(proxy, "given", "given-secret");
}

/* The library's clients, by RSA too, and whatever the servers' caches hold. */
static void clients_use_the_servers(void **state)
{
    const struct cluster_account mine = {"worker", "worker-secret"};
    struct pointsman *both[] = {proxy, bare};
    (void)state;
    make_account("worker");
    for (int i = 0; i < 2; i++)
        for (int round = 0; round < 3; round++) {
            MYSQL *client = pointsman_connect(both[i], &mine, "shop");
            if (!client)
                fail_msg("no login");
            assert_int_equal(sql_run(client, "CREATE TABLE IF NOT EXISTS worked (id INT PRIMARY KEY)"), 0);
            assert_int_equal(sql_run(client, "REPLACE INTO worked VALUES (%d)", round), 0);
            assert_int_equal(sql_number(client, "SELECT COUNT(*) FROM worked WHERE id = %d", round), 1);
            mysql_close(client);
            for (int server = 0; server < 2; server++) /* whose cache is cold then */
                assert_int_equal(cluster_sql(set, server, "FLUSH PRIVILEGES"), 0);
        }
}

static void changing_user(void **state)
{
    MYSQL *client = pointsman_connect(proxy, &cluster_app, "shop");
    (void)state;
    make_account("changer");
    assert_non_null(client);
    assert_int_equal(mysql_change_user(client, "changer", "changer-secret", "shop"), 0);
    char *user = sql_value(client, "SELECT CURRENT_USER()");
    assert_string_equal(user, "changer@%");
    free(user);
    assert_int_equal(mysql_change_user(client, "app", "app-secret", NULL), 0);
    assert_int_equal(mysql_change_user(client, "app", "wrong", NULL), 1);
    assert_int_equal(mysql_errno(client), 1045);
    mysql_close(client);
}

static bool is_refused(void *arg)
{
    const struct known *known = arg;
    return login_as(known->to, BY_TLS, known->user, known->password).code == 1045;
}

static void a_changed_password_is_asked_for_again(void **state)
{
    const struct cluster_account first = {"mover", "mover-secret"}, second = {"mover", "second"};
    struct known old = {proxy, "mover", "mover-secret"};
    (void)state;
    make_account("mover");
    MYSQL *client = pointsman_connect(proxy, &first, "shop");
    assert_non_null(client);
    assert_int_equal(cluster_sql(set, 0, "ALTER USER mover@'%%' IDENTIFIED BY 'second'"), 0);
    assert_true(cluster_sync(set, 0, PATIENCE_MS));
    assert_true(wait_for(is_refused, &old, PATIENCE_MS));
    expect(proxy, BY_TLS, "mover", "second", 0, "F");
    expect(proxy, BY_TLS, "mover", "second", 0, "f");
    mysql_close(client);
    client = pointsman_connect(proxy, &second, "shop");
    assert_non_null(client);
    assert_int_equal(sql_number(client, "SELECT 7"), 7);
    mysql_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_password_is_asked_for_once),
        cmocka_unit_test(wrong_passwords),
        cmocka_unit_test(passwords_in_clear_are_not_taken),
        cmocka_unit_test(accounts_without_password),
        cmocka_unit_test(given_passwords_take_the_fast_path),
        cmocka_unit_test(clients_use_the_servers),
        cmocka_unit_test(changing_user),
        cmocka_unit_test(a_changed_password_is_asked_for_again),
    };
    cmocka_set_test_filter(getenv("POINTSMAN_TEST"));
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
