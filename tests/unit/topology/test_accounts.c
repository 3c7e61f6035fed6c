/* test_accounts.c - which row of the account tables a client gets, and what changes from snapshot to
 * snapshot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "pointsman/topology/accounts.h"

#define HASH   "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19" /* of "password" */
#define HASH2  "*7B9EBEED26AA52ED10C0F549FA863F13C39E0209"
#define NATIVE "mysql_native_password"

static struct config_account passwords[] = {{(char *)"ldap", (char *)"secret"}};
static const struct config config = {.accounts = passwords, .accounts_count = 1};

/* The auth_string of a row names it: h1, h2, ... are told apart by what find returns. */
static const struct account_source rows[] = {
    {.user = "app", .host = "%", .plugin = "p", .auth_string = "app-any"},
    {.user = "app", .host = "localhost", .plugin = "p", .auth_string = "app-local"},
    {.user = "app", .host = "10.1.%", .plugin = "p", .auth_string = "app-10.1"},
    {.user = "app", .host = "10.1.2.3", .plugin = "p", .auth_string = "app-10.1.2.3"},
    {.user = "", .host = "10.9.9.9", .plugin = "p", .auth_string = "anonymous"},
    {.user = "net", .host = "192.168.1.0/255.255.255.0", .plugin = "p", .auth_string = "net"},
    {.user = "local", .host = "localhost", .plugin = "p", .auth_string = "local"},
    {.user = "loop", .host = "127.0.0.1", .plugin = "p", .auth_string = "loop"},
    {.user = "both", .host = "127.0.0.1", .plugin = "p", .auth_string = "both-ip"},
    {.user = "both", .host = "localhost", .plugin = "p", .auth_string = "both-name"},
    {.user = "clerk", .host = "", .plugin = "", .auth_string = "", .is_role = true},
    {.user = "ldap", .host = "10.%", .plugin = "auth_pam", .auth_string = "ldap"},
    {.user = "App", .host = "10.%", .plugin = "p", .auth_string = "App"},
};
enum { ROWS = sizeof rows / sizeof *rows };

static const struct {
    const char *proxy_host, *user, *address;
    bool same_row;
    enum account_verdict verdict;
    const char *row;
} finds[] = {
    {"10.5.5.5", "app", "10.8.8.8", true, ACCOUNT_OK, "app-any"},
    {"10.5.5.5", "app", NULL, false, ACCOUNT_OK, "app-local"},
    {"10.5.5.5", "app", "127.0.0.1", false, ACCOUNT_OK, "app-local"},
    {"10.5.5.5", "app", "::1", false, ACCOUNT_OK, "app-local"},
    {"10.5.5.5", "app", "10.1.7.7", false, ACCOUNT_OK, "app-10.1"},
    {"10.5.5.5", "app", "::ffff:10.1.7.7", false, ACCOUNT_OK, "app-10.1"},
    {"10.5.5.5", "app", "10.1.2.3", false, ACCOUNT_OK, "app-10.1.2.3"},
    {"10.5.5.5", "App", "10.1.2.3", false, ACCOUNT_OK, "App"},
    {"10.5.5.5", "net", "192.168.1.9", false, ACCOUNT_OK, "net"},
    {"10.5.5.5", "net", "192.168.2.9", false, ACCOUNT_UNKNOWN_USER, NULL},
    /* an anonymous row of a more specific host goes before one's own */
    {"10.5.5.5", "app", "10.9.9.9", false, ACCOUNT_OK, "anonymous"},
    {"10.5.5.5", "who", "10.9.9.9", false, ACCOUNT_OK, "anonymous"},
    {"10.5.5.5", "who", "10.9.9.8", false, ACCOUNT_UNKNOWN_USER, NULL},
    {"10.5.5.5", "clerk", "10.9.9.8", false, ACCOUNT_UNKNOWN_USER, NULL},
    /* localhost before 127.0.0.1 */
    {"localhost", "both", "127.0.0.1", true, ACCOUNT_OK, "both-name"},
    {"localhost", "loop", "127.0.0.1", true, ACCOUNT_OK, "loop"},
    {"localhost", "local", "127.0.0.1", true, ACCOUNT_OK, "local"},
    {"localhost", "local", NULL, true, ACCOUNT_OK, "local"},
    /* servers that don't resolve names know no localhost but the unix socket */
    {"127.0.0.1", "both", "127.0.0.1", true, ACCOUNT_OK, "both-ip"},
    {"127.0.0.1", "local", "127.0.0.1", true, ACCOUNT_UNKNOWN_USER, NULL},
    {"127.0.0.1", "local", NULL, true, ACCOUNT_OTHER_ROW, NULL},
    {"127.0.0.1", "local", NULL, false, ACCOUNT_OK, "local"},
    /* the proxy's own row must be the same one */
    {"10.5.5.5", "app", "10.1.7.7", true, ACCOUNT_OTHER_ROW, NULL},
    {"10.1.8.8", "app", "10.1.7.7", true, ACCOUNT_OK, "app-10.1"},
    {"10.5.5.5", "net", "192.168.1.9", true, ACCOUNT_OTHER_ROW, NULL},
    {NULL, "net", "192.168.1.9", true, ACCOUNT_OK, "net"},
};

static void test_find(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof finds / sizeof *finds; i++) {
        struct accounts *accounts = accounts_build(rows, ROWS, &config, finds[i].proxy_host, NULL);
        assert_non_null(accounts);
        const struct account *row = NULL;
        enum account_verdict verdict = accounts_find(accounts, finds[i].user, finds[i].address,
                                                     finds[i].same_row, &row);
        if (verdict != finds[i].verdict || (row != NULL) != (finds[i].row != NULL) ||
            (row && strcmp(row->auth_string, finds[i].row) != 0))
            fail_msg("%s@%s: %d %s", finds[i].user, finds[i].address ? finds[i].address : "socket",
                     (int)verdict, row ? row->auth_string : "-");
        accounts_unref(accounts);
    }
}

static void test_hosts_that_nobody_has(void **state)
{
    (void)state;
    struct accounts *accounts = accounts_build(rows + 1, ROWS - 1, &config, "10.5.5.5", NULL);
    const struct account *row = NULL;
    assert_int_equal(accounts_find(accounts, "app", "172.16.0.1", true, &row), ACCOUNT_HOST_NOT_ALLOWED);
    assert_false(accounts_host_allowed(accounts, "172.16.0.1")); /* a role's empty host admits nobody */
    assert_true(accounts_host_allowed(accounts, "10.77.0.1"));
    assert_true(accounts_host_allowed(accounts, NULL));
    accounts_unref(accounts);
}

static const struct {
    const char *plugin, *auth_string;
    enum account_plugin kind;
    bool has_password;
    uint8_t first; /* of stage2 */
} plugins[] = {
    {NATIVE, HASH, PLUGIN_NATIVE, true, 0x24},
    {NATIVE, "", PLUGIN_NATIVE, false, 0},
    {"", HASH, PLUGIN_NATIVE, true, 0x24},
    {NATIVE, "invalid", PLUGIN_OTHER, true, 0},
    {NATIVE, "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E1", PLUGIN_OTHER, true, 0},
    {NATIVE, "*G470C0C06DEE42FD1618BB99005ADCA2EC9D1E19", PLUGIN_OTHER, true, 0},
    {"caching_sha2_password", "$A$005$x", PLUGIN_CACHING_SHA2, true, 0},
    {"caching_sha2_password", "", PLUGIN_CACHING_SHA2, false, 0},
    {"unix_socket", "", PLUGIN_OTHER, false, 0},
};

static void test_plugins(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof plugins / sizeof *plugins; i++) {
        struct account_source source = {
            .user = "u", .host = "%", .plugin = plugins[i].plugin, .auth_string = plugins[i].auth_string};
        struct accounts *accounts = accounts_build(&source, 1, &config, NULL, NULL);
        const struct account *row = &accounts->rows[0];
        if (row->plugin != plugins[i].kind || row->has_password != plugins[i].has_password ||
            (row->plugin == PLUGIN_NATIVE && row->stage2[0] != plugins[i].first))
            fail_msg("row %zu: plugin %d, password %d", i, (int)row->plugin, row->has_password);
        assert_string_equal(row->plugin_name, plugins[i].plugin);
        accounts_unref(accounts);
    }
}

static void test_configured_passwords(void **state)
{
    (void)state;
    struct accounts *accounts = accounts_build(rows, ROWS, &config, NULL, NULL);
    for (size_t i = 0; i < accounts->count; i++) {
        bool given = strcmp(accounts->rows[i].user, "ldap") == 0;
        assert_int_equal(accounts->rows[i].password != NULL, given);
        if (given)
            assert_string_equal(accounts->rows[i].password, "secret");
    }
    accounts_unref(accounts);
}

static const struct account *row_named(const struct accounts *accounts, const char *user)
{
    for (size_t i = 0; i < accounts->count; i++)
        if (strcmp(accounts->rows[i].user, user) == 0)
            return &accounts->rows[i];
    return NULL;
}

static const struct account_source before[] = {
    {.user = "a", .host = "%", .plugin = NATIVE, .auth_string = HASH},
    {.user = "b", .host = "%", .plugin = NATIVE, .auth_string = HASH},
    {.user = "c", .host = "%", .plugin = NATIVE, .auth_string = HASH},
};
/* What differs in the second snapshot: b as given here, a and c as before. */
static const struct account_source changes[] = {
    {.user = "b", .host = "%", .plugin = NATIVE, .auth_string = HASH2},
    {.user = "b", .host = "%", .plugin = "caching_sha2_password", .auth_string = HASH},
    {.user = "b", .host = "%", .plugin = NATIVE, .auth_string = HASH, .locked = true},
    {.user = "b", .host = "%", .plugin = NATIVE, .auth_string = HASH, .expired = true},
    {.user = "b", .host = "%", .plugin = NATIVE, .auth_string = HASH, .tls_required = true},
    {.user = "b", .host = "%", .plugin = NATIVE, .auth_string = HASH, .certificate_required = true},
    {.user = "b", .host = "10.%", .plugin = NATIVE, .auth_string = HASH},
};

static void test_serials(void **state)
{
    (void)state;
    struct accounts *first = accounts_build(before, 3, &config, "localhost", NULL);
    struct accounts *same = accounts_build(before, 3, &config, "localhost", first);
    assert_int_equal(same->serial, first->serial);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct account_source after[] = {before[2], changes[i], before[0]};
        struct accounts *next = accounts_build(after, 3, &config, "localhost", first);
        assert_int_not_equal(next->serial, first->serial);
        assert_int_not_equal(row_named(next, "b")->serial, row_named(first, "b")->serial);
        assert_int_equal(row_named(next, "a")->serial, row_named(first, "a")->serial);
        assert_int_equal(row_named(next, "c")->serial, row_named(first, "c")->serial);
        accounts_unref(next);
    }
    struct accounts *dropped = accounts_build(before, 2, &config, "localhost", first);
    struct accounts *back = accounts_build(before, 3, &config, "localhost", dropped);
    assert_int_not_equal(dropped->serial, first->serial);
    assert_int_not_equal(row_named(back, "c")->serial, row_named(first, "c")->serial);
    struct accounts *moved = accounts_build(before, 3, &config, "10.0.0.1", first);
    assert_int_not_equal(moved->serial, first->serial);
    struct accounts *all[] = {first, same, dropped, back, moved};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        accounts_unref(all[i]);
}

static void count_call(void *arg)
{
    ++*(int *)arg;
}

static void test_publication(void **state)
{
    (void)state;
    int told = 0;
    struct accounts *accounts = accounts_current();
    assert_false(accounts->known);
    accounts_unref(accounts);
    assert_true(accounts_subscribe(count_call, &told));
    accounts_publish(accounts_build(before, 3, &config, NULL, NULL));
    assert_int_equal(told, 1);
    accounts = accounts_current();
    assert_true(accounts->known);
    assert_int_equal(accounts->count, 3);
    accounts_publish(accounts_build(NULL, 0, &config, NULL, accounts));
    assert_int_equal(accounts->count, 3); /* the old one lives as long as somebody keeps it */
    accounts_unref(accounts);
    accounts_publish(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),    cmocka_unit_test(test_hosts_that_nobody_has),
        cmocka_unit_test(test_plugins), cmocka_unit_test(test_configured_passwords),
        cmocka_unit_test(test_serials), cmocka_unit_test(test_publication),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
