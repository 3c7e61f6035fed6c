/*
 * console_login.c - who may use the console.
 *
 *   no accounts in [admin] and [admin read]:  loopback and unix sockets, with any name and password; others
 * 1130 accounts:  mysql_native_password against them; [admin] may act, [admin read] may look
 *
 * The accounts are those of the configuration now in force, so a reload changes them. An unknown name costs
 * the same work as a wrong password and gets the same answer, a second later.
 */
#include <stdio.h>
#include <string.h>

#include "console.h"
#include "pointsman/base/log.h"
#include "pointsman/protocol/answer.h"
#include "pointsman/protocol/auth.h"
#include "pointsman/protocol/handshake.h"

enum { REFUSAL_SECONDS = 1, IDLE_SECONDS = 8 * 60 * 60 };

static const char native[] = "mysql_native_password";
static const char version[] = "8.0.0-pointsman-" POINTSMAN_VERSION;

static const uint32_t offered = CAP_LONG_PASSWORD | CAP_FOUND_ROWS | CAP_LONG_FLAG | CAP_CONNECT_WITH_DB |
                                CAP_ODBC | CAP_IGNORE_SPACE | CAP_PROTOCOL_41 | CAP_INTERACTIVE |
                                CAP_IGNORE_SIGPIPE | CAP_TRANSACTIONS | CAP_RESERVED | CAP_SECURE_CONNECTION |
                                CAP_MULTI_RESULTS | CAP_PLUGIN_AUTH | CAP_CONNECT_ATTRS |
                                CAP_PLUGIN_AUTH_LENENC | CAP_DEPRECATE_EOF;

/* ---- who and from where ---- */

static bool is_local(const char *host)
{
    static const char mapped[] = "::ffff:127.";
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
           strncmp(host, mapped, sizeof mapped - 1) == 0;
}

static bool has_accounts(const struct config *config)
{
    return config->admins_count + config->admin_readers_count > 0;
}

static const char *password_of(const struct config_account *accounts, size_t count, const char *user)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(accounts[i].user, user) == 0)
            return accounts[i].password;
    return NULL;
}

/* Whether the answer to the scramble is right; the work is the same without a password to compare with. */
static bool is_right(const struct guest *guest, const char *password, struct bytes answer)
{
    uint8_t stage1[NATIVE_LENGTH], stage2[NATIVE_LENGTH], shown[NATIVE_LENGTH];
    const char *compared = password ? password : "nobody";
    bool right = auth_native_stage1(compared, strlen(compared), stage1) &&
                 auth_native_stage2(stage1, stage2) &&
                 auth_native_check(answer.at, answer.length, guest->scramble, stage2, shown);
    if (password && !*password)
        right = answer.length == 0;
    explicit_bzero(stage1, sizeof stage1);
    explicit_bzero(shown, sizeof shown);
    return right && password;
}

/* ---- outcomes ---- */

static void send_error(struct guest *guest, enum server_error code, const char *a, const char *b,
                       const char *c)
{
    const struct server_error_text *error = server_error_text(code);
    char text[512];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, error->format, a, b, c);
#pragma GCC diagnostic pop
    guest_send_err(guest, error->code, error->state, text);
}

static void bad_handshake(struct guest *guest)
{
    send_error(guest, SERVER_ERROR_HANDSHAKE, "", "", "");
    guest_close(guest);
}

static void not_from_there(struct guest *guest)
{
    log_event(LOG_WARNING, "admin-refused", "without accounts the console is for this machine only",
              log_text("host", guest->host));
    send_error(guest, SERVER_ERROR_HOST_NOT_ALLOWED, guest->host, "", "");
    guest_close(guest);
}

void console_refuse_now(struct guest *guest)
{
    send_error(guest, SERVER_ERROR_ACCESS_DENIED, guest->user, guest->host,
               guest->with_password ? "YES" : "NO");
    guest_close(guest);
}

static void refuse(struct guest *guest)
{
    log_event(LOG_WARNING, "admin-login-refused", NULL, log_text("user", guest->user),
              log_text("host", guest->host));
    guest->step = GUEST_REFUSED;
    conn_watch(&guest->conn, false);
    guest_wait(guest, REFUSAL_SECONDS);
}

static void welcome(struct guest *guest, bool may_act)
{
    guest->asker.may_act = may_act;
    guest->step = GUEST_READY;
    guest_wait(guest, IDLE_SECONDS);
    guest_send_ok(guest, "");
}

static void admit(struct guest *guest, const struct config *config, struct bytes answer)
{
    guest->with_password = answer.length > 0;
    const char *acting = password_of(config->admins, config->admins_count, guest->user);
    const char *reading = password_of(config->admin_readers, config->admin_readers_count, guest->user);
    if (!has_accounts(config)) {
        if (is_local(guest->host))
            welcome(guest, true);
        else
            not_from_there(guest);
    } else if (is_right(guest, acting ? acting : reading, answer)) {
        welcome(guest, acting != NULL);
    } else {
        refuse(guest);
    }
}

/* ---- packets ---- */

void console_greet(struct guest *guest)
{
    uint8_t packet[256];
    struct topology *topology = topology_current();
    bool open = has_accounts(topology->config) || is_local(guest->host);
    topology_unref(topology);
    if (!open) {
        not_from_there(guest);
        return;
    }
    if (!auth_scramble_make(guest->scramble)) {
        send_error(guest, SERVER_ERROR_OUT_OF_RESOURCES, "", "", "");
        guest_close(guest);
        return;
    }
    struct greeting greeting = {.version = {(const uint8_t *)version, sizeof version - 1},
                                .connection_id = guest->asker.id,
                                .capabilities = offered,
                                .collation = 45, /* utf8mb4_general_ci */
                                .status = STATUS_AUTOCOMMIT,
                                .plugin = {(const uint8_t *)native, sizeof native - 1}};
    memcpy(greeting.scramble, guest->scramble, SCRAMBLE_LENGTH);
    struct writer w = writer_of(packet, sizeof packet);
    size_t mark = packet_begin(&w);
    greeting_write(&w, &greeting);
    packet_end(&w, mark, guest->sequence++);
    guest_send(guest, &w);
}

static void ask_for_native(struct guest *guest)
{
    uint8_t packet[128];
    struct writer w = writer_of(packet, sizeof packet);
    size_t mark = packet_begin(&w);
    auth_switch_write(&w, native, guest->scramble);
    packet_end(&w, mark, guest->sequence++);
    guest->step = GUEST_SWITCHED;
    guest_send(guest, &w);
}

static bool copy(char *to, size_t size, struct bytes from)
{
    if (from.length >= size || (from.length && memchr(from.at, 0, from.length)))
        return false;
    if (from.length)
        memcpy(to, from.at, from.length);
    to[from.length] = 0;
    return true;
}

static void first_packet(struct guest *guest, const struct config *config, const uint8_t *payload,
                         size_t length)
{
    struct login login;
    if (!login_read(payload, length, offered, &login) || !(login.capabilities & CAP_PROTOCOL_41) ||
        !copy(guest->user, sizeof guest->user, login.user) ||
        !copy(guest->schema, sizeof guest->schema, login.database)) {
        bad_handshake(guest);
        return;
    }
    guest->capabilities = login.capabilities & offered;
    bool speaks_native = !login.plugin.at || (login.plugin.length == sizeof native - 1 &&
                                              memcmp(login.plugin.at, native, login.plugin.length) == 0);
    if (speaks_native || !has_accounts(config))
        admit(guest, config, login.auth);
    else
        ask_for_native(guest);
}

void console_login(struct guest *guest, const uint8_t *payload, size_t length)
{
    struct topology *topology = topology_current();
    if (guest->step == GUEST_GREETED)
        first_packet(guest, topology->config, payload, length);
    else
        admit(guest, topology->config, (struct bytes){payload, length});
    topology_unref(topology);
}
