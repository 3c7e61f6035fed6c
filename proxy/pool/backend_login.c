/*
 * backend_login.c - logging in to a server, as a table of steps. Each step takes one packet from the server
 * and answers it.
 *
 *   CONNECTED ─> GREETING ─> [SECURE ─TLS─>] ANSWER ──OK──> SETUP ──OK──> done
 *                                            │ ^
 *                                            └─┘ auth switch
 *
 * Where TLS is required, nothing that a server says before it counts: an error there gets words of ours. By a
 * unix socket there is none, since nobody else is in between.
 *
 * SETUP turns on what the relay stands on: session tracking of everything, so that a statement's effects on
 * the session arrive with its OK packet.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "backend.h"
#include "pointsman/net/tls.h"
#include "pointsman/protocol/answer.h"
#include "pointsman/protocol/auth.h"
#include "pointsman/protocol/handshake.h"

enum login_step { STEP_CONNECTING, STEP_GREETING, STEP_SECURE, STEP_ANSWER, STEP_SETUP, STEP_DONE, STEPS };
#define NATIVE "mysql_native_password"
#define SHA2   "caching_sha2_password"
enum { LOGIN_MAX_PACKET = 1 << 30, LOGIN_COLLATION = 45 };
enum { SEQUENCE_REQUEST = 1 /* of an SSLRequest; the login is the next */ };

static void fail(struct backend *backend, const char *why)
{
    backend_connect_failed(backend, 0, "", why, strlen(why));
}

static void fail_with(struct backend *backend, const uint8_t *payload, size_t length)
{
    struct answer_err err;
    if (!answer_err_read(payload, length, &err))
        fail(backend, "nonsense from the server");
    else
        backend_connect_failed(backend, err.code, err.state, (const char *)err.message.at,
                               err.message.length);
}

static bool send_packet(struct backend *backend, const uint8_t *packet, size_t length)
{
    if (conn_write(&backend->conn, packet, length) == CONN_OK)
        return true;
    fail(backend, "could not be written to");
    return false;
}

void backend_login_begin(struct backend *backend)
{
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(backend->conn.fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 || error)
        fail(backend, strerror(error ? error : errno));
    else
        backend->login_step = STEP_GREETING;
}

static bool is_plugin(struct bytes plugin, const char *name)
{
    return plugin.length == strlen(name) && memcmp(plugin.at, name, plugin.length) == 0;
}

static bool answer_native(const struct identity *identity, const char *password, const uint8_t *scramble,
                          uint8_t *out)
{
    uint8_t stage1[NATIVE_LENGTH];
    bool known = true;
    if (identity->has_stage1)
        memcpy(stage1, identity->stage1, sizeof stage1);
    else
        known = auth_native_stage1(password, strlen(password), stage1);
    known = known && auth_native_answer(stage1, scramble, out);
    explicit_bzero(stage1, sizeof stage1);
    return known;
}

/* Writes the answer to a scramble for this plugin (at most SHA2_LENGTH bytes); false: this account can't
 * answer it. */
static bool write_auth(const struct identity *identity, struct bytes plugin, const uint8_t *scramble,
                       uint8_t out[SHA2_LENGTH], size_t *ret_length)
{
    char password[AUTH_PASSWORD_MAX + 1] = {0};
    bool known = identity_password(identity, password), good = true;
    if (known && !*password)
        *ret_length = 0;
    else if (is_plugin(plugin, NATIVE) && (known || identity->has_stage1))
        *ret_length = (good = answer_native(identity, password, scramble, out)) ? NATIVE_LENGTH : 0;
    else if (is_plugin(plugin, SHA2) && known)
        *ret_length = (good = auth_sha2_answer(password, strlen(password), scramble, out)) ? SHA2_LENGTH : 0;
    else
        good = false;
    explicit_bzero(password, sizeof password);
    return good;
}

/* The server's own words for a plugin that one side doesn't speak (ER_NOT_SUPPORTED_AUTH_MODE). */
static void fail_plugin(struct backend *backend)
{
    static const char why[] =
        "Client does not support authentication protocol requested by server; the proxy speaks "
        "mysql_native_password and caching_sha2_password, and must know the password for the latter";
    backend_connect_failed(backend, 1251, "08004", why, sizeof why - 1);
}

static void send_login(struct backend *backend, uint8_t sequence)
{
    const char *name = backend->sha2 ? SHA2 : NATIVE;
    struct bytes plugin = {(const uint8_t *)name, strlen(name)};
    uint8_t auth[SHA2_LENGTH], packet[512];
    struct login login = {
        .capabilities = backend->capabilities,
        .max_packet = LOGIN_MAX_PACKET,
        .collation = LOGIN_COLLATION,
        .user = {(const uint8_t *)backend->pool->identity->user, strlen(backend->pool->identity->user)},
        .auth = {auth, 0},
        .plugin = plugin};
    if (!write_auth(backend->pool->identity, plugin, backend->scramble, auth, &login.auth.length)) {
        fail_plugin(backend);
        return;
    }
    struct writer w = writer_of(packet, sizeof packet);
    size_t mark = packet_begin(&w);
    login_write(&w, &login);
    packet_end(&w, mark, sequence);
    backend->login_step = STEP_ANSWER;
    if (w.full)
        fail(backend, "the user's name is too long");
    else
        send_packet(backend, packet, writer_length(&w));
}

/* ---- TLS ---- */

static enum config_tls_servers tls_wanted(const struct backend *backend, const struct tls *tls)
{
    const struct config_address
        *address = &topology_server(backend->pool->set->topology, backend->pool->server)->address;
    return tls && address->sa.any.sa_family != AF_UNIX ? tls->wanted : CONFIG_TLS_OFF;
}

static bool must_be_secure(const struct backend *backend)
{
    struct tls *tls = tls_current();
    bool must = tls_wanted(backend, tls) >= CONFIG_TLS_REQUIRED;
    tls_unref(tls);
    return must;
}

static void fail_insecure(struct backend *backend, const char *why)
{
    backend_note_tls_fault(backend, why);
    fail(backend, why);
}

static void ask_for_tls(struct backend *backend)
{
    uint8_t packet[64];
    struct writer w = writer_of(packet, sizeof packet);
    size_t mark = packet_begin(&w);
    ssl_request_write(&w, &(struct login){.capabilities = backend->capabilities | CAP_SSL,
                                          .max_packet = LOGIN_MAX_PACKET,
                                          .collation = LOGIN_COLLATION});
    packet_end(&w, mark, SEQUENCE_REQUEST);
    backend->login_step = STEP_SECURE;
    send_packet(backend, packet, writer_length(&w));
}

/* Whether it goes on in TLS, which was asked for then. */
static bool begin_tls(struct backend *backend, const struct greeting *greeting)
{
    struct tls *tls = tls_current();
    enum config_tls_servers wanted = tls_wanted(backend, tls);
    bool offered = greeting->capabilities & CAP_SSL;
    tls_unref(tls);
    if (wanted != CONFIG_TLS_OFF && offered)
        ask_for_tls(backend);
    else if (wanted >= CONFIG_TLS_REQUIRED)
        fail_insecure(backend, "the server offers no TLS, which [tls] servers requires");
    return wanted >= CONFIG_TLS_REQUIRED || (wanted != CONFIG_TLS_OFF && offered);
}

static bool secure(struct backend *backend)
{
    struct pools *set = backend->pool->set;
    const struct config_address *address = &topology_server(set->topology, backend->pool->server)->address;
    struct tls *tls = tls_current();
    char host[256];
    bool good = tls && tls->servers && config_address_host(address, host, sizeof host) &&
                conn_secure_server(&backend->conn, tls->servers, host,
                                   &set->sessions[backend->pool->server]) == CONN_OK;
    tls_unref(tls);
    return good;
}

void backend_login_consumed(struct backend *backend)
{
    if (backend->login_step != STEP_SECURE)
        return;
    /* What a server says in clear behind its greeting is no part of TLS: it speaks second. */
    if (backend->conn.in || conn_backlogged(&backend->conn)) {
        fail(backend, "nonsense from the server");
    } else if (!secure(backend)) {
        fail(backend, "TLS could not be set up");
    } else {
        backend->capabilities |= CAP_SSL;
        send_login(backend, SEQUENCE_REQUEST + 1);
    }
}

/* ---- the steps ---- */

static void step_greeting(struct backend *backend, const uint8_t *payload, size_t length, uint8_t sequence)
{
    static const uint32_t always = CAP_LONG_PASSWORD | CAP_LONG_FLAG | CAP_PROTOCOL_41 | CAP_TRANSACTIONS |
                                   CAP_SECURE_CONNECTION | CAP_PLUGIN_AUTH | CAP_SESSION_TRACK;
    struct greeting greeting;
    if (length && payload[0] == 0xff) {
        if (must_be_secure(backend))
            fail_insecure(backend, "an error came before TLS, from whomever");
        else
            fail_with(backend, payload, length);
        return;
    }
    if (!greeting_read(payload, length, &greeting)) {
        fail(backend, "nonsense from the server");
        return;
    }
    backend->thread_id = greeting.connection_id;
    memcpy(backend->scramble, greeting.scramble, SCRAMBLE_LENGTH);
    backend->sha2 = is_plugin(greeting.plugin, SHA2) && !backend->pool->identity->has_stage1;
    backend->capabilities = (backend->pool->capabilities | always) &
                            (greeting.capabilities | CAP_LONG_PASSWORD);
    if (!(backend->capabilities & CAP_SESSION_TRACK))
        fail(backend, "the server has no session tracking (MySQL 5.7 or MariaDB 10.3 at least)");
    else if (!begin_tls(backend, &greeting))
        send_login(backend, (uint8_t)(sequence + 1));
}

static void answer_switch(struct backend *backend, const uint8_t *payload, size_t length, uint8_t sequence)
{
    struct auth_switch change;
    uint8_t packet[64], auth[SHA2_LENGTH];
    size_t auth_length = 0;
    if (!auth_switch_read(payload, length, &change) || change.data.length < SCRAMBLE_LENGTH) {
        fail(backend, "nonsense from the server");
        return;
    }
    if (!write_auth(backend->pool->identity, change.plugin, change.data.at, auth, &auth_length)) {
        fail_plugin(backend);
        return;
    }
    memcpy(backend->scramble, change.data.at, SCRAMBLE_LENGTH);
    backend->sha2 = is_plugin(change.plugin, SHA2);
    struct writer w = writer_of(packet, sizeof packet);
    size_t mark = packet_begin(&w);
    write_bytes(&w, auth, auth_length);
    packet_end(&w, mark, (uint8_t)(sequence + 1));
    send_packet(backend, packet, writer_length(&w));
}

static bool is_mariadb(const struct backend *backend)
{
    return topology_server(backend->pool->set->topology, backend->pool->server)->look.mariadb;
}

size_t backend_setup_packet(const struct backend *backend, uint8_t *out, size_t size)
{
    /* MySQL reports its statement ids to whoever tracks '*', with every answer: there the variables are
     * named. */
    static const char all[] = "*";
    static const char named[] =
        "autocommit,character_set_client,character_set_connection,character_set_results,collation_connection,"
        "sql_mode,time_zone,lc_time_names,lc_messages,div_precision_increment,group_concat_max_len,"
        "foreign_key_checks,unique_checks,sql_select_limit,sql_big_selects,sql_safe_updates,sql_notes,"
        "sql_warnings,transaction_isolation,transaction_read_only,innodb_lock_wait_timeout,lock_wait_timeout,"
        "max_execution_time,optimizer_switch,default_storage_engine,net_write_timeout,net_read_timeout,"
        "wait_timeout,interactive_timeout,sql_auto_is_null,auto_increment_increment,auto_increment_offset,"
        "last_insert_id,insert_id,timestamp";
    struct writer w = writer_of(out, size);
    size_t mark = packet_begin(&w);
    write_u8(&w, COM_QUERY);
    write_string(&w, "SET session_track_system_variables='");
    write_string(&w, is_mariadb(backend) ? all : named);
    write_string(&w, "',session_track_schema=1,session_track_state_change=1");
    if (!is_mariadb(backend)) /* MariaDB tells the position of a write as a variable */
        write_string(&w, ",session_track_gtids=OWN_GTID");
    packet_end(&w, mark, 0);
    return w.full ? 0 : writer_length(&w);
}

/* ---- the full path of caching_sha2_password: the server has not seen this account of late ---- */

static void answer_with(struct backend *backend, const uint8_t *data, size_t length, uint8_t sequence)
{
    uint8_t packet[PACKET_HEADER + AUTH_KEY_MAX];
    struct writer w = writer_of(packet, sizeof packet);
    size_t mark = packet_begin(&w);
    write_bytes(&w, data, length);
    packet_end(&w, mark, (uint8_t)(sequence + 1));
    send_packet(backend, packet, writer_length(&w));
    explicit_bzero(packet, sizeof packet);
}

/* In clear where nobody can listen, else for the key that the server is asked for. */
static void answer_full(struct backend *backend, uint8_t sequence)
{
    char password[AUTH_PASSWORD_MAX + 1] = {0};
    const struct config_address
        *address = &topology_server(backend->pool->set->topology, backend->pool->server)->address;
    bool alone = conn_is_secure(&backend->conn) || address->sa.any.sa_family == AF_UNIX;
    if (!alone)
        answer_with(backend, &(uint8_t){AUTH_ASKS_KEY}, 1, sequence);
    else if (identity_password(backend->pool->identity, password))
        answer_with(backend, (const uint8_t *)password, strlen(password) + 1, sequence);
    else
        fail_plugin(backend);
    explicit_bzero(password, sizeof password);
}

static void answer_key(struct backend *backend, const uint8_t *pem, size_t length, uint8_t sequence)
{
    char password[AUTH_PASSWORD_MAX + 1] = {0};
    uint8_t encrypted[AUTH_KEY_MAX];
    size_t encrypted_length = 0;
    bool done = identity_password(backend->pool->identity, password) &&
                auth_rsa_encrypt(pem, length, password, strlen(password), backend->scramble, encrypted,
                                 sizeof encrypted, &encrypted_length);
    explicit_bzero(password, sizeof password);
    if (done)
        answer_with(backend, encrypted, encrypted_length, sequence);
    else
        fail(backend, "nonsense from the server");
}

static void answer_more(struct backend *backend, const uint8_t *data, size_t length, uint8_t sequence)
{
    if (length > 1)
        answer_key(backend, data, length, sequence);
    else if (data[0] == AUTH_MORE_FULL)
        answer_full(backend, sequence);
    else if (data[0] != AUTH_MORE_FAST) /* OK follows that */
        fail(backend, "nonsense from the server");
}

static void step_answer(struct backend *backend, const uint8_t *payload, size_t length, uint8_t sequence)
{
    uint8_t setup[1024];
    if (length && payload[0] == 0xff) {
        fail_with(backend, payload, length);
    } else if (length && payload[0] == 0xfe) {
        answer_switch(backend, payload, length, sequence);
    } else if (length && payload[0] == 0x00) {
        backend->login_step = STEP_SETUP;
        send_packet(backend, setup, backend_setup_packet(backend, setup, sizeof setup));
    } else if (length > 1 && payload[0] == AUTH_MORE && backend->sha2) {
        answer_more(backend, payload + 1, length - 1, sequence);
    } else {
        fail(backend, "nonsense from the server");
    }
}

static void count_login(const struct backend *backend)
{
    struct pools *set = backend->pool->set;
    atomic_fetch_add_explicit(&set->opened, 1, memory_order_relaxed);
    if (conn_is_secure(&backend->conn))
        atomic_fetch_add_explicit(&set->secured, 1, memory_order_relaxed);
    if (conn_resumed(&backend->conn))
        atomic_fetch_add_explicit(&set->resumed, 1, memory_order_relaxed);
}

static void step_setup(struct backend *backend, const uint8_t *payload, size_t length, uint8_t sequence)
{
    (void)sequence;
    struct answer_ok ok;
    if (length && payload[0] == 0xff) {
        fail_with(backend, payload, length);
        return;
    }
    if (!answer_ok_read(payload, length, backend->capabilities, &ok)) {
        fail(backend, "nonsense from the server");
        return;
    }
    backend->status = ok.status;
    backend->login_step = STEP_DONE;
    count_login(backend);
}

typedef void login_step_function(struct backend *backend, const uint8_t *payload, size_t length,
                                 uint8_t sequence);

static login_step_function *const steps[STEPS] = {
    [STEP_GREETING] = step_greeting, [STEP_ANSWER] = step_answer, [STEP_SETUP] = step_setup};

bool backend_login_packet(struct backend *backend, const uint8_t *payload, size_t length, uint8_t sequence)
{
    if (steps[backend->login_step])
        steps[backend->login_step](backend, payload, length, sequence);
    else
        fail(backend, "nonsense from the server");
    return backend->login_step == STEP_DONE;
}
