/* test_account_table.c - rows of mysql.global_priv as a server wrote them, and what must be read out of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "../../../proxy/monitor/account_table.h"

#define NATIVE "mysql_native_password"
#define HASH   "*7B9EBEED26AA52ED10C0F549FA863F13C39E0209"
#define USUAL  "\"plugin\":\"" NATIVE "\",\"authentication_string\":\"" HASH "\""

enum { NOW = 1800000000, DAY = 86400 };

static const struct {
    const char *json;
    int64_t default_lifetime;
    const char *plugin, *auth_string;
    bool locked, expired, tls_required, is_role;
} documents[] = {
    {"{\"access\":0," USUAL ",\"password_last_changed\":1795409617}", 0, NATIVE, HASH, 0, 0, 0, 0},
    {"{\"access\":18446744073709551615}", 0, NATIVE, "", 0, 0, 0, 0},
    {"{" USUAL ",\"ssl_type\":1e300}", 0, NATIVE, HASH, 0, 0, 1, 0},
    {"{" USUAL ",\"account_locked\":true}", 0, NATIVE, HASH, 1, 0, 0, 0},
    {"{" USUAL ",\"account_locked\":false}", 0, NATIVE, HASH, 0, 0, 0, 0},
    {"{" USUAL ",\"ssl_type\":0}", 0, NATIVE, HASH, 0, 0, 0, 0},
    {"{" USUAL ",\"ssl_type\":1,\"ssl_cipher\":\"\"}", 0, NATIVE, HASH, 0, 0, 1, 0},
    {"{" USUAL ",\"ssl_type\":2}", 0, NATIVE, HASH, 0, 0, 1, 0},
    {"{\"access\":0,\"version_id\":101119,\"is_role\":true}", 0, NATIVE, "", 0, 0, 0, 1},
    /* ways to log in: ours if there is one, else the first; {} is the outer one */
    {"{" USUAL ",\"auth_or\":[{\"plugin\":\"unix_socket\"},{}]}", 0, NATIVE, HASH, 0, 0, 0, 0},
    {"{" USUAL ",\"auth_or\":[{},{\"plugin\":\"unix_socket\"}]}", 0, NATIVE, HASH, 0, 0, 0, 0},
    {"{\"plugin\":\"ed25519\",\"authentication_string\":\"x\",\"auth_or\":[{},{" USUAL "}]}", 0, NATIVE, HASH,
     0, 0, 0, 0},
    {"{\"plugin\":\"pam\",\"authentication_string\":\"x\",\"auth_or\":[{\"plugin\":\"ed25519\","
     "\"authentication_string\":\"e\"},{}]}",
     0, "ed25519", "e", 0, 0, 0, 0},
    {"{\"plugin\":\"pam\",\"authentication_string\":\"x\",\"auth_or\":[]}", 0, "pam", "x", 0, 0, 0, 0},
    /* expiry: 0 is PASSWORD EXPIRE; -1 the global lifetime; 0 days never */
    {"{" USUAL ",\"password_last_changed\":0,\"password_lifetime\":-1}", 0, NATIVE, HASH, 0, 1, 0, 0},
    {"{" USUAL ",\"password_last_changed\":1799913600,\"password_lifetime\":1}", 0, NATIVE, HASH, 0, 1, 0, 0},
    {"{" USUAL ",\"password_last_changed\":1799913601,\"password_lifetime\":1}", 0, NATIVE, HASH, 0, 0, 0, 0},
    {"{" USUAL ",\"password_last_changed\":1700000000,\"password_lifetime\":0}", 90, NATIVE, HASH, 0, 0, 0,
     0},
    {"{" USUAL ",\"password_last_changed\":1700000000,\"password_lifetime\":-1}", 90, NATIVE, HASH, 0, 1, 0,
     0},
    {"{" USUAL ",\"password_last_changed\":1700000000}", 90, NATIVE, HASH, 0, 1, 0, 0},
    /* what can't be read lets nobody in */
    {"", 0, NATIVE, "", 1, 0, 0, 0},
    {"[]", 0, NATIVE, "", 1, 0, 0, 0},
    {"{\"plugin\":7,\"authentication_string\":{},\"auth_or\":5,\"ssl_type\":\"1\"}", 0, NATIVE, "", 0, 0, 0,
     0},
};

/* Any TLS will do (1), or the client must show a certificate (2 X509, 3 SPECIFIED). */
static void test_certificates(void **state)
{
    (void)state;
    for (int type = 0; type <= 3; type++) {
        char json[100];
        snprintf(json, sizeof json, "{\"ssl_type\":%d}", type);
        json_t *document = account_table_parse(json);
        struct account_source row = {.user = "u", .host = "%"};
        account_table_from_json(document, NOW, 0, &row);
        assert_int_equal(row.tls_required, type >= 1);
        assert_int_equal(row.certificate_required, type >= 2);
        json_decref(document);
    }
}

static void test_documents(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        json_t *document = account_table_parse(documents[i].json);
        struct account_source row = {.user = "u", .host = "%"};
        account_table_from_json(document, NOW, documents[i].default_lifetime, &row);
        if (strcmp(row.plugin, documents[i].plugin) != 0 ||
            strcmp(row.auth_string, documents[i].auth_string) != 0 || row.locked != documents[i].locked ||
            row.expired != documents[i].expired || row.tls_required != documents[i].tls_required ||
            row.is_role != documents[i].is_role)
            fail_msg("%s: %s '%s' locked %d expired %d tls %d role %d", documents[i].json, row.plugin,
                     row.auth_string, row.locked, row.expired, row.tls_required, row.is_role);
        json_decref(document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_documents), cmocka_unit_test(test_certificates)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
