/*
 * What a good file becomes: defaults, every type of value, addresses, rules, comments; counting and
 * comparing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <arpa/inet.h>
#include <pcre2.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certificate_folder.h"
#include "config_text.h"

static struct config *good(const char *text)
{
    struct config *config = config_from(text);

    if (!config)
        fail_msg("refused:\n%s", config_said);
    return config;
}

static struct config *silent(const char *text)
{
    struct config *config = good(text);

    assert_string_equal(config_said, "");
    return config;
}

static void test_defaults(void **state)
{
    struct config *c = silent(MINIMAL);

    (void)state;
    assert_string_equal(c->path, "f");
    assert_int_equal(c->listen_count, 1);
    assert_string_equal(c->listen[0].text, "127.0.0.1:6033");
    assert_int_equal(c->admin_count, 1);
    assert_int_equal(c->http_count, 1);
    assert_int_equal(c->workers, CONFIG_AUTO);
    assert_int_equal(c->max_connections, 10000);
    assert_int_equal(c->login_timeout, 10000);
    assert_int_equal(c->account_hosts, CONFIG_ACCOUNT_HOSTS_SAME);
    assert_int_equal(c->shutdown_timeout, 30000);
    assert_int_equal(c->log_level, CONFIG_LOG_INFO);
    assert_int_equal(c->log_format, CONFIG_LOG_TEXT);
    assert_int_equal(c->monitor_interval, 250);
    assert_int_equal(c->monitor_timeout, 1000);
    assert_int_equal(c->balance, CONFIG_BALANCE_ROUND_ROBIN);
    assert_int_equal(c->max_lag, 5000);
    assert_int_equal(c->read_your_writes, CONFIG_RYW_SESSION);
    assert_false(c->monotonic_reads);
    assert_int_equal(c->causal_timeout, 100);
    assert_int_equal(c->primary_reads, CONFIG_PRIMARY_READS_FALLBACK);
    assert_int_equal(c->safe_functions_count, 0);
    assert_int_equal(c->max_per_server, CONFIG_AUTO);
    assert_int_equal(c->idle_timeout, 60000);
    assert_int_equal(c->connect_timeout, 2000);
    assert_int_equal(c->queue_timeout, 10000);
    assert_int_equal(c->failover_mode, CONFIG_FAILOVER_AUTOMATIC);
    assert_int_equal(c->detect_timeout, 2000);
    assert_int_equal(c->cooldown, 600000);
    assert_int_equal(c->switchover_timeout, 10000);
    assert_int_equal(c->data_loss, CONFIG_DATA_LOSS_REFUSE);
    assert_int_equal(c->old_primary, CONFIG_OLD_PRIMARY_REJOIN);
    assert_null(c->replication_user);
    assert_null(c->replication_password);
    assert_int_equal(c->proxies, CONFIG_PROXIES_SEVERAL);
    assert_null(c->tls_certificate);
    assert_false(c->tls_require);
    assert_int_equal(c->tls_servers, CONFIG_TLS_PREFERRED);
    assert_int_equal(c->servers_count, 1);
    assert_string_equal(c->servers[0].name, "db1");
    assert_int_equal(c->servers[0].weight, 1);
    assert_int_equal(c->servers[0].promotion, CONFIG_PROMOTION_ALLOW);
    config_unref(c);
}

static void test_everything(void **state)
{
    struct config *c = good(
        "[pointsman]\nlisten=0.0.0.0:1,unix:/tmp/s\nadmin=\nhttp =\nworkers=3\n"
        "max_connections=5\nlogin_timeout=1m\naccount_hosts=separate\nshutdown_timeout=0\n"
        "log_level=debug\nlog_format=json\n"
        "[monitor]\nuser=m\npassword=\ninterval=1s\ntimeout=2s\n"
        "[server a]\naddress=[::1]:3306\nweight=0\npromotion=never\n"
        "[server b.c-d_2]\naddress=unix:/run/my.sock\nweight=7\npromotion=prefer\n"
        "[routing]\nbalance=least-busy\nmax_lag=250ms\nread_your_writes=global\n"
        "monotonic_reads=yes\ncausal_timeout=0\nprimary_reads=always\n"
        "safe_functions=Zed, shop.Net , alpha,zed\n"
        "[pool]\nmax_per_server=9\nidle_timeout=2h\nconnect_timeout=3s\nqueue_timeout=4s\n"
        "[accounts]\napp=s=1:2\nroot=\n"
        "[failover]\nmode=off\ndetect_timeout=1s\ncooldown=0\nswitchover_timeout=5s\n"
        "data_loss=allow\nold_primary=read-only\nreplication_user=r\nreplication_password=p\n"
        "proxies=single\n"
        "[tls]\ncertificate=c.pem\nkey=c.key\nca=c.pem\nrequire=yes\nservers=verify\n"
        "[admin]\nop=x\n[admin read]\nv=y\n");
    const struct sockaddr_in6 *in6 = &c->servers[0].address.sa.in6;

    (void)state;
    assert_int_equal(c->listen_count, 2);
    assert_int_equal(c->listen[0].sa.in.sin_port, htons(1));
    assert_int_equal(c->listen[1].sa.un.sun_family, AF_UNIX);
    assert_string_equal(c->listen[1].sa.un.sun_path, "/tmp/s");
    assert_int_equal(c->admin_count + c->http_count, 0);
    assert_int_equal(c->workers, 3);
    assert_int_equal(c->account_hosts, CONFIG_ACCOUNT_HOSTS_SEPARATE);
    assert_int_equal(c->shutdown_timeout, 0);
    assert_int_equal(c->log_level, CONFIG_LOG_DEBUG);
    assert_int_equal(c->log_format, CONFIG_LOG_JSON);
    assert_string_equal(c->monitor_password, "");
    assert_int_equal(in6->sin6_family, AF_INET6);
    assert_int_equal(in6->sin6_port, htons(3306));
    assert_true(IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr));
    assert_int_equal(c->servers[0].promotion, CONFIG_PROMOTION_NEVER);
    assert_string_equal(c->servers[1].name, "b.c-d_2");
    assert_int_equal(c->servers[1].weight, 7);
    assert_int_equal(c->servers[1].promotion, CONFIG_PROMOTION_PREFER);
    assert_int_equal(c->balance, CONFIG_BALANCE_LEAST_BUSY);
    assert_int_equal(c->read_your_writes, CONFIG_RYW_GLOBAL);
    assert_true(c->monotonic_reads);
    assert_int_equal(c->primary_reads, CONFIG_PRIMARY_READS_ALWAYS);
    assert_int_equal(c->safe_functions_count, 3);
    assert_string_equal(c->safe_functions[0], "alpha");
    assert_string_equal(c->safe_functions[1], "shop.net");
    assert_string_equal(c->safe_functions[2], "zed");
    assert_int_equal(c->idle_timeout, 7200000);
    assert_int_equal(c->accounts_count, 2);
    assert_string_equal(c->accounts[0].user, "app");
    assert_string_equal(c->accounts[0].password, "s=1:2");
    assert_string_equal(c->accounts[1].password, "");
    assert_int_equal(c->failover_mode, CONFIG_FAILOVER_OFF);
    assert_int_equal(c->old_primary, CONFIG_OLD_PRIMARY_READ_ONLY);
    assert_string_equal(c->replication_user, "r");
    assert_string_equal(c->replication_password, "p");
    assert_int_equal(c->proxies, CONFIG_PROXIES_SINGLE);
    assert_string_equal(c->tls_ca, "c.pem");
    assert_true(c->tls_require);
    assert_int_equal(c->tls_servers, CONFIG_TLS_VERIFY);
    assert_string_equal(c->admins[0].user, "op");
    assert_string_equal(c->admin_readers[0].password, "y");
    config_unref(c);
}

static void test_rules(void **state)
{
    struct config *c = silent("[rule a]\nmatch = ^SELECT .* FROM reports\ntarget = server  db1\n"
                              "[rule b]\nuser = u\nschema = s\ntarget = reject\n"
                              "[rule c]\nuser = x\ntarget = replica\n[rule d]\ntarget = primary\n" MINIMAL);
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    PCRE2_SPTR yes = (PCRE2_SPTR) "SELECT a FROM reports", no = (PCRE2_SPTR) "SELECT a FROM other";

    (void)state;
    assert_int_equal(c->rules_count, 4);
    assert_int_equal(c->rules[0].target, CONFIG_RULE_SERVER);
    assert_int_equal(c->rules[0].server, 0);
    assert_true(pcre2_match(c->rules[0].regex, yes, PCRE2_ZERO_TERMINATED, 0, 0, data, NULL) > 0);
    assert_int_equal(pcre2_match(c->rules[0].regex, no, PCRE2_ZERO_TERMINATED, 0, 0, data, NULL),
                     PCRE2_ERROR_NOMATCH);
    assert_int_equal(c->rules[1].target, CONFIG_RULE_REJECT);
    assert_int_equal(c->rules[1].server, -1);
    assert_null(c->rules[1].match);
    assert_null(c->rules[1].regex);
    assert_string_equal(c->rules[1].user, "u");
    assert_string_equal(c->rules[1].schema, "s");
    assert_int_equal(c->rules[2].target, CONFIG_RULE_REPLICA);
    assert_int_equal(c->rules[3].target, CONFIG_RULE_PRIMARY);
    pcre2_match_data_free(data);
    config_unref(c);
}

static void test_comments(void **state)
{
    struct config *c = silent("\xef\xbb\xbf; first\r\n# second\r\n \t\r\n"
                              "  [monitor]   ; heading\r\n"
                              "\tuser\t=\tm # who\r\n"
                              "   password = a;b#c\t; but not this\r\n"
                              "[ server   db1 ] # heading\r\n"
                              "address=localhost:3310\r\n"
                              "[accounts]\r\nx =;y\r\nz = ;y\r\n[pointsman]\r\nadmin =");

    (void)state;
    assert_string_equal(c->monitor_user, "m");
    assert_string_equal(c->monitor_password, "a;b#c");
    assert_string_equal(c->servers[0].name, "db1");
    assert_string_equal(c->servers[0].address.text, "localhost:3310");
    assert_int_equal(c->servers[0].address.sa.any.sa_family, AF_INET);
    assert_string_equal(c->accounts[0].password, ";y");
    assert_string_equal(c->accounts[1].password, "");
    assert_int_equal(c->admin_count, 0);
    config_unref(c);
}

/* 199 bytes are what inih's buffer takes; one more must not become a key of its own. */
static void test_longest_line(void **state)
{
    char text[1000], functions[300];
    struct config *c;

    (void)state;
    snprintf(functions, sizeof functions, "safe_functions = %0182d", 7);
    assert_int_equal(strlen(functions), 199);
    snprintf(text, sizeof text, "%s[routing]\n%s\r\n", MINIMAL, functions);
    c = silent(text);
    assert_int_equal(strlen(c->safe_functions[0]), 182);
    config_unref(c);
    snprintf(text, sizeof text, "%s[routing]\n%s8\n", MINIMAL, functions);
    assert_null(config_from(text));
    assert_string_equal(config_said, "f:7: the line has 200 bytes, at most 199 are read\n");
}

static void test_counting(void **state)
{
    struct config *c = silent(MINIMAL);

    (void)state;
    assert_ptr_equal(config_ref(c), c);
    config_unref(c);
    assert_string_equal(c->servers[0].name, "db1");
    config_unref(c);
    config_unref(NULL);
}

static void test_restart_only(void **state)
{
    static const struct {
        const char *more, *differs;
    } cases[] = {
        {"", ""},
        {"[pointsman]\nlisten = 127.0.0.1:7\n", "listen"},
        {"[pointsman]\nlisten = 127.0.0.1:6033\nlog_level = debug\n[pool]\nidle_timeout = 1s\n", ""},
        {"[pointsman]\nadmin =\nhttp = 127.0.0.1:6081\nworkers = 2\n", "admin, http, workers"},
    };
    struct config *old = silent(MINIMAL), *fresh;
    char text[1000], out[100], cut[4];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "%s%s", MINIMAL, cases[i].more);
        fresh = silent(text);
        config_restart_only(old, fresh, out, sizeof out);
        assert_string_equal(out, cases[i].differs);
        config_restart_only(fresh, old, cut, sizeof cut);
        assert_memory_equal(cut, cases[i].differs, strnlen(cases[i].differs, 3));
        config_unref(fresh);
    }
    config_unref(old);
}

static void test_walk(void **state)
{
    struct config *c = good(MINIMAL "[routing]\nmax_lag = 90s\nsafe_functions = b,a\n[failover]\n"
                                    "replication_user = r\nreplication_password = hush\n");
    const char *name;
    char value[200];
    unsigned found = 0;

    (void)state;
    for (size_t i = 0; config_option_at(c, i, &name, value, sizeof value); i++) {
        assert_null(strstr(value, "hush"));
        found += strcmp(name, "routing.max_lag") == 0 && strcmp(value, "90s") == 0;
        found += strcmp(name, "routing.safe_functions") == 0 && strcmp(value, "a, b") == 0;
        found += strcmp(name, "monitor.password") == 0 && strcmp(value, "***") == 0;
        found += strcmp(name, "failover.replication_password") == 0 && strcmp(value, "***") == 0;
        found += strcmp(name, "failover.cooldown") == 0 && strcmp(value, "10m") == 0;
        found += strcmp(name, "failover.proxies") == 0 && strcmp(value, "several") == 0;
        found += strcmp(name, "pointsman.workers") == 0 && strcmp(value, "auto") == 0;
        found += strcmp(name, "tls.require") == 0 && strcmp(value, "no") == 0;
        found += strcmp(name, "tls.key") == 0 && strcmp(value, "") == 0;
    }
    assert_int_equal(found, 9);
    config_unref(c);
}

/* ---- files ---- */

static char folder[] = "/tmp/pointsman-config-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static const char *put_file(const char *name, const char *text, size_t length, mode_t mode)
{
    static char path[200];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static struct config *from_password_file(const char *path)
{
    char text[500];

    snprintf(text, sizeof text,
             "[monitor]\nuser = m\npassword_file = %s\n[server a]\naddress = 127.0.0.1:3310\n", path);
    return config_from(text);
}

static void test_password_file(void **state)
{
    struct config *c;
    const char *path = put_file("secret", "a ;b #c\r\nsecond line\n", 21, 0600);

    (void)state;
    c = from_password_file(path);
    assert_non_null(c);
    assert_string_equal(config_said, "");
    assert_string_equal(c->monitor_password, "a ;b #c");
    config_unref(c);

    chmod(path, 0644);
    c = from_password_file(path);
    assert_non_null(c);
    assert_non_null(strstr(config_said, "f:3: warning: password_file = /tmp/"));
    assert_non_null(strstr(config_said, "everybody on this machine may read it"));
    config_unref(c);
    unlink(path);

    assert_null(from_password_file(path));
    assert_non_null(strstr(config_said, "can't be opened: No such file or directory"));
    assert_null(from_password_file(folder));
    assert_non_null(strstr(config_said, "not a plain file"));
    assert_null(from_password_file(""));
}

static void test_bad_password_files(void **state)
{
    static char large[2000];
    static const struct {
        const char *bytes;
        size_t length;
        const char *why;
    } cases[] = {
        {"", 0, "first line is empty"},
        {"\nx", 2, "first line is empty"},
        {"hush\0hush", 9, "zero byte"},
        {large, sizeof large, "too long"},
    };

    (void)state;
    memset(large, 'h', sizeof large);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = put_file("secret", cases[i].bytes, cases[i].length, 0600);
        assert_null(from_password_file(path));
        assert_non_null(strstr(config_said, cases[i].why));
        assert_null(strstr(config_said, "hush"));
        unlink(path);
    }
}

static void test_load_by_path(void **state)
{
    const char *path = put_file("ok.ini", MINIMAL, strlen(MINIMAL), 0600);
    FILE *faults = fmemopen(config_said, sizeof config_said, "w");
    struct config *c = config_load(path, faults);

    (void)state;
    assert_non_null(c);
    assert_string_equal(c->path, path);
    config_unref(c);
    unlink(path);
    assert_null(config_load(path, faults));
    assert_null(config_load(folder, faults));
    fclose(faults);
    assert_memory_equal(config_said, path, strlen(path));
    assert_non_null(strstr(config_said, ": the file can't be opened: No such file or directory\n"));
    assert_non_null(strstr(config_said, ": it can't be read: Is a directory\n"));
}

/* The limit can only be lowered, so a child does it. */
static void test_open_files(void **state)
{
    struct rlimit low = {.rlim_cur = 500, .rlim_max = 500};
    int status;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        struct config *c;
        setrlimit(RLIMIT_NOFILE, &low);
        c = config_from(MINIMAL "[pointsman]\nmax_connections = 300\n[pool]\nmax_per_server = 101\n");
        status = !c ||
                 !strstr(config_said, "f:7: warning: max_connections and the pools may need 501 open files, "
                                      "this process may have 500");
        config_unref(c);
        c = config_from(MINIMAL "[pointsman]\nmax_connections = 300\n[pool]\nmax_per_server = 100\n");
        status |= !c || *config_said ? 2 : 0;
        config_unref(c);
        _exit(status);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* As it was written, for certificates: what it was resolved to is no name. */
static void test_hosts_of_addresses(void **state)
{
    static const char *const rows[][2] = {{"127.0.0.1:3306", "127.0.0.1"},
                                          {"[::1]:3306", "::1"},
                                          {"localhost:3306", "localhost"},
                                          {"unix:/run/s", NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[200], host[32] = "before";
        snprintf(text, sizeof text, "[monitor]\nuser=m\npassword=p\n[server a]\naddress=%s\n", rows[i][0]);
        struct config *c = good(text);
        assert_int_equal(config_address_host(&c->servers[0].address, host, sizeof host), rows[i][1] != NULL);
        assert_string_equal(host, rows[i][1] ? rows[i][1] : "before");
        assert_false(config_address_host(&c->servers[0].address, host, 3)); /* too long */
        config_unref(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test_setup_teardown(test_everything, enter_certificate_folder, leave_certificate_folder),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_comments),
        cmocka_unit_test(test_longest_line),
        cmocka_unit_test(test_counting),
        cmocka_unit_test(test_restart_only),
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_password_file),
        cmocka_unit_test(test_bad_password_files),
        cmocka_unit_test(test_load_by_path),
        cmocka_unit_test(test_open_files),
        cmocka_unit_test(test_hosts_of_addresses),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
