/*
 * What is wrong with a file, where, and what would be right: one row a fault. The whole output is compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "certificate_folder.h"
#include "config_text.h"

#define MONITOR "[monitor]\nuser=m\npassword=hush\n"
#define SERVER  "[server db1]\naddress=127.0.0.1:3310\n"

struct row {
    const char *text;
    const char *said;
};

/* With five good lines before them. */
static const struct row lines[] = {
    {"just words\n", "f:6: this is neither a [section] nor key = value\n"},
    {"just words", "f:6: this is neither a [section] nor key = value\n"},
    {"key\n[pool]\nkey\n", "f:6: this is neither a [section] nor key = value\n"
                           "f:8: this is neither a [section] nor key = value\n"},
    {"= value\n", "f:6: before the \"=\" stands no key\n"},
    {"user: m\n", "f:6: between a key and its value stands \"=\", not \":\"\n"},
    {"[pool\n", "f:6: a section's heading is [NAME] and nothing else in its line\n"},
    {"[pool] x\n", "f:6: a section's heading is [NAME] and nothing else in its line\n"},
    {"[pool]#x\n", "f:6: a section's heading is [NAME] and nothing else in its line\n"},
    {"[]\nx=y\n",
     "f:6: this section has no name\nf:7: there is no x in [server]; the nearest known is 'weight'\n"},
    {"[pool]\nidle_timeout = 1\x01s\n",
     "f:7: the line holds a control character; only text and tabs may stand here\n"},
};

static const struct row names[] = {
    {"[pol]\nx=y\n", "f:6: there is no section [pol]; did you mean [pool]?\n"},
    {"[Pool]\n", "f:6: there is no section [Pool]; did you mean [pool]?\n"},
    {"[servers db2]\n", "f:6: there is no section [servers db2]; did you mean [server NAME]?\n"},
    {"[server]\n",
     "f:6: [server]: a server's name has 1 to 63 letters, digits, '_', '.' and '-', as in [server db1]\n"},
    {"[rules]\n", "f:6: there is no section [rules]; did you mean [rule NAME]?\n"},
    {"[admin-read]\n", "f:6: there is no section [admin-read]; did you mean [admin read]?\n"},
    {"[xyzzyxyzzy]\n", "f:6: there is no section [xyzzyxyzzy]; the nearest known is [pointsman]\n"},
    {"[server d/b]\naddress=x\n", "f:6: [server d/b]: a server's name has 1 to 63 letters, digits, '_', '.' "
                                  "and '-', as in [server db1]\n"},
    {"[rule x y]\n",
     "f:6: [rule x y]: a rule's name has 1 to 63 letters, digits, '_', '.' and '-', as in [rule reports]\n"},
    {"[routing]\nmaxlag=5s\n", "f:7: there is no maxlag in [routing]; did you mean 'max_lag'?\n"},
    {"[routing]\nmax-lag=5s\n", "f:7: there is no max-lag in [routing]; did you mean 'max_lag'?\n"},
    {"[routing]\nmxa_lag=5s\n", "f:7: there is no mxa_lag in [routing]; did you mean 'max_lag'?\n"},
    {"[pool]\nmax_lag=5s\n", "f:7: there is no max_lag in [pool]; did you mean 'max_lag' of [routing]?\n"},
    {"[pool]\nxyzzyxyzzy=1\n",
     "f:7: there is no xyzzyxyzzy in [pool]; the nearest known is 'max_prepared'\n"},
    {"[server db2]\nadress=127.0.0.1:1\n",
     "f:7: there is no adress in [server]; did you mean 'address'?\n"
     "f:6: [server db2] needs address = ...: where the server listens: HOST:PORT or unix:/PATH\n"
     "f:6: warning: two servers with proxies = several can never fail over, since a majority of two is both; "
     "a third "
     "server, or proxies = single in [failover] if there is no other proxy\n"},
};

static const struct row doubles[] = {
    {"[pool]\nidle_timeout=1s\nidle_timeout=2s\n", "f:8: idle_timeout stands in line 7 already\n"},
    {"[pool]\nidle_timeout=1s\n[routing]\n[pool]\nidle_timeout=2s\nconnect_timeout=x\n",
     "f:9: [pool] stands in line 6 already; put its keys there\n"
     "f:10: idle_timeout stands in line 7 already\n"
     "f:11: connect_timeout = x: this is not a duration such as 250ms, 5s, 10m, 1h or 0; it may be 1ms to "
     "1h\n"},
    {"[server DB1]\naddress=127.0.0.1:9\n",
     "f:6: [server DB1] stands in line 4 already; put its keys there\n"},
    {"[accounts]\na=1\na=hush\n", "f:8: a stands in [accounts] twice\n"},
    {"[monitor]\npassword_file=/nowhere/x\n",
     "f:6: [monitor] stands in line 1 already; put its keys there\n"
     "f:7: password_file = /nowhere/x: the file can't be opened: No such file or directory\n"
     "f:7: password_file and password (line 3) exclude each other\n"},
};

static const struct row values[] = {
    {"[routing]\nmax_lag=5\n",
     "f:7: max_lag = 5: this is not a duration such as 250ms, 5s, 10m, 1h or 0; it may be 1ms to 24h\n"},
    {"[routing]\nmax_lag=-5s\n",
     "f:7: max_lag = -5s: this is not a duration such as 250ms, 5s, 10m, 1h or 0; it may be 1ms to 24h\n"},
    {"[routing]\nmax_lag=5 s\n",
     "f:7: max_lag = 5 s: this is not a duration such as 250ms, 5s, 10m, 1h or 0; it may be 1ms to 24h\n"},
    {"[routing]\nmax_lag=0\n", "f:7: max_lag = 0: it may be 1ms to 24h\n"},
    {"[routing]\nmax_lag=25h\n", "f:7: max_lag = 25h: it may be 1ms to 24h\n"},
    {"[routing]\nmax_lag=99999999999999999999999999s\n",
     "f:7: max_lag = 99999999999999999999999999s: it may be 1ms to 24h\n"},
    {"[routing]\nmax_lag=\n",
     "f:7: max_lag = : this is not a duration such as 250ms, 5s, 10m, 1h or 0; it may be 1ms to 24h\n"},
    {"[pointsman]\nworkers=0\n", "f:7: workers = 0: it may be 1 to 64, or auto\n"},
    {"[pointsman]\nworkers=many\n",
     "f:7: workers = many: this is not a number; it may be 1 to 64, or auto\n"},
    {"[pointsman]\nmax_connections=auto\n",
     "f:7: max_connections = auto: this is not a number; it may be 1 to 1000000\n"},
    {"[pointsman]\nmax_connections=0x10\n",
     "f:7: max_connections = 0x10: this is not a number; it may be 1 to 1000000\n"},
    {"[pointsman]\nlog_level=warn\n",
     "f:7: log_level = warn: it may be error, warning, info or debug; did you mean 'warning'?\n"},
    {"[pointsman]\nlog_level=\n", "f:7: log_level = : it may be error, warning, info or debug\n"},
    {"[tls]\nrequire=true\n", "f:7: require = true: it may be no or yes\n"},
    {"[routing]\nsafe_functions=a,,b\n", "f:7: safe_functions = : this is not a name; names of functions "
                                         "stand here without quotes and parentheses, with "
                                         "commas between them\n"},
    {"[routing]\nsafe_functions=f()\n", "f:7: safe_functions = f(): this is not a name; names of functions "
                                        "stand here without quotes and parentheses, with "
                                        "commas between them\n"},
};

static const struct row addresses[] = {
    {"[pointsman]\nlisten=\n",
     "f:7: listen = : it is empty; where applications connect: a list of HOST:PORT and unix:/PATH\n"},
    {"[pointsman]\nlisten=127.0.0.1\n",
     "f:7: listen = 127.0.0.1: the port is missing; an address is HOST:PORT or unix:/PATH\n"},
    {"[pointsman]\nlisten=127.0.0.1:1,,\n",
     "f:7: listen = : the port is missing; an address is HOST:PORT or unix:/PATH\n"},
    {"[pointsman]\nlisten=127.0.0.1:0\n",
     "f:7: listen = 127.0.0.1:0: \"0\" is not a port; ports are 1 to 65535\n"},
    {"[pointsman]\nlisten=127.0.0.1:65536\n",
     "f:7: listen = 127.0.0.1:65536: \"65536\" is not a port; ports are 1 to 65535\n"},
    {"[pointsman]\nlisten=127.0.0.1:+5\n",
     "f:7: listen = 127.0.0.1:+5: \"+5\" is not a port; ports are 1 to 65535\n"},
    {"[pointsman]\nlisten=:6033\n",
     "f:7: listen = :6033: the host is missing; 0.0.0.0 or [::] is every address of this machine\n"},
    {"[pointsman]\nlisten=::1:6033\n",
     "f:7: listen = ::1:6033: an IPv6 address stands in brackets: [::1]:6033\n"},
    {"[pointsman]\nlisten=[]:6033\n",
     "f:7: listen = []:6033: the host is missing; 0.0.0.0 or [::] is every address of this machine\n"},
    {"[pointsman]\nlisten=unix:run/x\n",
     "f:7: listen = unix:run/x: a unix socket is written unix:/PATH with its whole path\n"},
    {"[pointsman]\nlisten=unix:/0123456789012345678901234567890123456789012345678901234567890123456789"
     "01234567890123456789012345678901234567\n",
     "f:7: listen = unix:/0123456789012345678901234567890123456789012345678901234567890123456789"
     "01234567890123456789012345678901234567: the path of a unix socket has at most 107 bytes\n"},
    {"[pointsman]\nhttp=127.0.0.1:6033\n", "f:7: http = 127.0.0.1:6033: listen has 127.0.0.1:6033 already\n"},
    {"[pointsman]\nlisten=0.0.0.0:6080\n", "f:6: http = 127.0.0.1:6080: listen has 0.0.0.0:6080 already\n"},
    {"[pointsman]\nlisten=unix:/a, unix:/a\n", "f:7: listen = unix:/a: listen has unix:/a already\n"},
    {"[pointsman]\nlisten=[::]:7,[::1]:7\n", "f:7: listen = [::1]:7: listen has [::]:7 already\n"},
    {"[pointsman]\nlisten=[::]:7,0.0.0.0:7\n", ""},
    {"[pointsman]\nlisten=127.0.0.1:3310\n",
     "f:5: address = 127.0.0.1:3310: this is the proxy's own listen address\n"},
    {"[server b]\naddress=127.0.0.1:3310\npromotion=allow\n",
     "f:7: address = 127.0.0.1:3310: this is db1's address too\n"
     "f:7: warning: two servers with proxies = several can never fail over, since a majority of two is both; "
     "a third "
     "server, or proxies = single in [failover] if there is no other proxy\n"},
};

static const struct row rules[] = {
    {"[rule r]\nmatch=a(b\ntarget=reject\n",
     "f:7: match = a(b: at character 4: missing closing parenthesis\n"},
    {"[rule r]\nmatch=\ntarget=reject\n",
     "f:7: match = : it is empty; leave the key out to match any statement\n"},
    {"[rule r]\nmatch=x\n",
     "f:6: [rule r] needs target = ...: where they go: primary, replica, server NAME or reject\n"},
    {"[rule r]\nmatch=x\ntarget=replicas\n",
     "f:8: target = replicas: it may be primary, replica, server NAME or reject; did you mean 'replica'?\n"},
    {"[rule r]\nmatch=x\ntarget=server\n", "f:8: target = server: it may be primary, replica, server NAME or "
                                           "reject; did you mean 'server NAME'?\n"},
    {"[rule r]\nmatch=x\ntarget=server db2\n",
     "f:8: target = server db2: there is no [server db2]; did you mean 'db1'?\n"},
    {"[rule r]\ntarget=primary\n[rule s]\nmatch=x\ntarget=replica\n",
     "f:8: warning: [rule s] is never asked, since [rule r] before it takes every statement\n"},
};

static const struct row together[] = {
    {"[failover]\nreplication_password=hush\n",
     "f:7: warning: replication_password has no effect yet\n"
     "f:7: there is a replication_password but no replication_user; give both or neither\n"},
    {"[tls]\nkey=k\n", "f:7: certificate and key belong together; give both or neither\n"},
    {"[tls]\nrequire=yes\n", ""},
    {"[tls]\ncertificate=c.pem\nkey=c.key\nca=d.pem\n", ""},
    {"[tls]\nkey=c.key\ncertificate=nowhere\n", "f:8: certificate = nowhere: No such file or directory\n"},
    {"[tls]\ncertificate=c.pem\nkey=nowhere\n", "f:8: key = nowhere: No such file or directory\n"},
    {"[tls]\ncertificate=c.pem\nkey=d.key\n", "f:8: key = d.key: key values mismatch\n"},
    {"[tls]\ncertificate=c.key\nkey=c.key\n", "f:7: certificate = c.key: no start line\n"},
    {"[tls]\ncertificate=c.pem\nkey=c.pem\n", "f:8: key = c.pem: unsupported\n"},
    {"[tls]\nca=nowhere\n", "f:7: ca = nowhere: No such file or directory\n"},
    {"[tls]\nservers=verify\n", "f:7: servers = verify: this needs ca = PATH\n"},
    {"[server b]\naddress=127.0.0.1:9\n[failover]\nproxies=several\n",
     "f:9: warning: proxies has no effect yet\n"
     "f:9: warning: two servers with proxies = several can never fail over, since a majority of two is both; "
     "a third "
     "server, or proxies = single in [failover] if there is no other proxy\n"},
    {"[server b]\naddress=127.0.0.1:9\n[failover]\nproxies=single\n",
     "f:9: warning: proxies has no effect yet\n"},
    {"[server b]\naddress=127.0.0.1:9\n[failover]\nmode=off\n", "f:9: warning: mode has no effect yet\n"},
    {"[server b]\naddress=127.0.0.1:9\n[server c]\naddress=127.0.0.1:10\n", ""},
    {"[pointsman]\nadmin=unix:/a, [::1]:7, 0.0.0.0:7\n",
     "f:7: warning: admin = 0.0.0.0:7: other machines can reach the console, and without accounts in [admin] "
     "it lets "
     "none of them in\n"},
    {"[pointsman]\nadmin=0.0.0.0:7\n[admin read]\na=b\n", ""},
    {"weight=0\n[routing]\nprimary_reads=never\n",
     "f:8: warning: every server has weight = 0 and primary_reads = never: no read can run anywhere\n"},
};

/* Whole files. */
static const struct row files[] = {
    {"", "f:1: [monitor] needs user = ...: the account by which servers are watched and promoted\n"
         "f:1: [monitor] needs password = ...: its password\n"
         "f:1: there is no server; add a section [server NAME] with address = HOST:PORT\n"},
    {MONITOR, "f:3: there is no server; add a section [server NAME] with address = HOST:PORT\n"},
    {"[monitor]\nuser=\npassword=\n" SERVER,
     "f:2: user = : it is empty; the account by which servers are watched and promoted\n"},
    {"[monitor]\ninterval=2s\nuser=m\npassword=hush\n" SERVER,
     "f:1: timeout is 1000ms and interval 2000ms: every server would be taken for gone between two looks; "
     "timeout is at "
     "least the interval, better several\n"},
    {MONITOR "[server a]\nweight=2\n[server b]\n",
     "f:4: [server a] needs address = ...: where the server listens: HOST:PORT or unix:/PATH\n"
     "f:6: [server b] needs address = ...: where the server listens: HOST:PORT or unix:/PATH\n"
     "f:6: warning: two servers with proxies = several can never fail over, since a majority of two is both; "
     "a third "
     "server, or proxies = single in [failover] if there is no other proxy\n"},
    {"max_lag=5s\nwhat=1\n" MONITOR SERVER,
     "f:1: max_lag stands before any section; it belongs to [routing]\n"
     "f:2: what stands before any section; the first is usually [pointsman]\n"},
};

static void check_rows(const char *before, const struct row *rows, size_t count)
{
    char text[2000];

    for (size_t i = 0; i < count; i++) {
        struct config *config;
        bool faulty = false;

        snprintf(text, sizeof text, "%s%s", before, rows[i].text);
        config = config_from(text);
        assert_string_equal(config_said, rows[i].said);
        assert_null(strstr(config_said, "hush"));
        for (const char *line = config_said; *line; line = strchr(line, '\n') + 1)
            faulty |= strncmp(strchr(strchr(line, ':') + 1, ':'), ": warning: ", 11) != 0;
        assert_int_equal(config == NULL, faulty);
        config_unref(config);
    }
}

#define TEST_OF(name, before)                                                                                \
    static void test_##name(void **state)                                                                    \
    {                                                                                                        \
        (void)state;                                                                                         \
        check_rows(before, name, sizeof name / sizeof *name);                                                \
    }
TEST_OF(lines, MONITOR SERVER)
TEST_OF(names, MONITOR SERVER)
TEST_OF(doubles, MONITOR SERVER)
TEST_OF(values, MONITOR SERVER)
TEST_OF(addresses, MONITOR SERVER)
TEST_OF(rules, MONITOR SERVER)
TEST_OF(together, MONITOR SERVER)
TEST_OF(files, "")

static void test_zero_bytes(void **state)
{
    static const char text[] = "[monitor]\nuser=m\0x\npassword=y\n" SERVER;

    (void)state;
    assert_null(config_from_bytes(text, sizeof text - 1));
    assert_non_null(strstr(config_said, "f:2: the line holds a control character"));
}

/* One line without an end, and lines without an end. */
static void test_endless_files(void **state)
{
    char *text = calloc(2, 1 << 20);
    FILE *zero = fopen("/dev/zero", "r"), *faults = fmemopen(config_said, sizeof config_said, "w");

    (void)state;
    assert_null(config_load_stream(zero, "f", faults));
    fclose(zero);
    fclose(faults);
    assert_non_null(
        strstr(config_said, "f:1: the file is larger than 1048576 bytes, the rest was not read\n"));
    memset(text, '\n', 2 << 20);
    assert_null(config_from_bytes(text, 2 << 20));
    assert_non_null(
        strstr(config_said, "f:1048577: the file is larger than 1048576 bytes, the rest was not read\n"));
    free(text);
}

static void test_too_many_servers(void **state)
{
    char text[8000] = MONITOR;
    size_t length = strlen(text);

    (void)state;
    for (int i = 0; i <= CONFIG_SERVERS_MAX; i++)
        length += (size_t)sprintf(text + length, "[server s%d]\naddress = 127.0.0.1:%d\n", i, 100 + i);
    assert_null(config_from(text));
    assert_string_equal(config_said, "f:133: these are 65 servers, at most 64 are possible\n");
}

static void test_unknown_host(void **state)
{
    (void)state;
    assert_null(config_from(MONITOR "[server db1]\naddress = no.such.host.invalid:3306\n"));
    assert_non_null(strstr(
        config_said,
        "f:5: address = no.such.host.invalid:3306: the host \"no.such.host.invalid\" can't be resolved: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_together),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_zero_bytes),
        cmocka_unit_test(test_endless_files),
        cmocka_unit_test(test_too_many_servers),
        cmocka_unit_test(test_unknown_host),
    };
    return cmocka_run_group_tests(tests, enter_certificate_folder, leave_certificate_folder);
}
