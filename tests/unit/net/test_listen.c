/* test_listen.c - listening: TCP and unix sockets, stale socket files, and who is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pointsman/net/listen.h"

static char folder[] = "/tmp/pointsman-listen-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder); /* fails if a test left something */
}

static struct config_address ipv4(uint16_t port)
{
    struct config_address address = {.length = sizeof(struct sockaddr_in)};
    address.sa.in = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return address;
}

static struct config_address unix_path(const char *name)
{
    struct config_address address = {.length = sizeof(struct sockaddr_un)};
    address.sa.un.sun_family = AF_UNIX;
    snprintf(address.sa.un.sun_path, sizeof address.sa.un.sun_path, "%s/%s", folder, name);
    return address;
}

/* The address that a listener really has (its port was 0). */
static struct config_address bound(int fd)
{
    struct config_address address = {.length = sizeof address.sa.storage};
    assert_int_equal(getsockname(fd, &address.sa.any, &address.length), 0);
    return address;
}

static int dial(const struct config_address *address)
{
    int fd = socket(address->sa.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &address->sa.any, address->length), 0);
    return fd;
}

static int accept_one(int listener, char peer[64])
{
    struct pollfd ready = {.fd = listener, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 10000), 1);
    return listen_accept(listener, peer, 64);
}

static int flag_of(int fd, int level, int option)
{
    int value = 0;
    socklen_t length = sizeof value;
    assert_int_equal(getsockopt(fd, level, option, &value, &length), 0);
    return value;
}

static void assert_non_blocking(int fd)
{
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void tcp(void **state)
{
    struct config_address address = ipv4(0);
    char peer[64] = "?";
    (void)state;
    int listener = listen_open(&address);
    assert_true(listener >= 0);
    assert_non_blocking(listener);
    assert_int_equal(listen_accept(listener, peer, sizeof peer), -1); /* nobody there */
    assert_int_equal(errno, EAGAIN);
    struct config_address there = bound(listener);
    int client = dial(&there), server = accept_one(listener, peer);
    assert_true(server >= 0);
    assert_string_equal(peer, "127.0.0.1");
    assert_non_blocking(server);
    assert_true(flag_of(server, IPPROTO_TCP, TCP_NODELAY));
    assert_true(flag_of(server, SOL_SOCKET, SO_KEEPALIVE));
    close(server);
    close(client);
    listen_close(listener, &address);
}

static void tcp_of_both_families_on_one_port(void **state)
{
    struct config_address address = {.length = sizeof(struct sockaddr_in6)};
    char peer[64] = "?";
    (void)state;
    address.sa.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
    int listener = listen_open(&address);
    if (listener < 0 && errno == EAFNOSUPPORT)
        skip(); /* a machine without IPv6 */
    assert_true(listener >= 0);
    struct config_address there = bound(listener), other = ipv4(ntohs(there.sa.in6.sin6_port));
    other.sa.in.sin_addr.s_addr = htonl(INADDR_ANY);
    int second = listen_open(&other);
    assert_true(second >= 0 || errno == EADDRINUSE); /* somebody else's 0.0.0.0:port */
    if (second >= 0)
        listen_close(second, &other);
    there.sa.in6.sin6_addr = in6addr_loopback;
    int client = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(client, &there.sa.any, there.length) == 0) { /* ::1 may be missing */
        int server = accept_one(listener, peer);
        assert_string_equal(peer, "::1");
        close(server);
    }
    close(client);
    listen_close(listener, &address);
}

static void a_port_in_use(void **state)
{
    struct config_address address = ipv4(0);
    (void)state;
    int listener = listen_open(&address);
    struct config_address taken = bound(listener);
    assert_int_equal(listen_open(&taken), -1);
    assert_int_equal(errno, EADDRINUSE);
    listen_close(listener, &address);
    listener = listen_open(&taken); /* free again at once */
    assert_true(listener >= 0);
    listen_close(listener, &taken);
}

static void unix_socket(void **state)
{
    struct config_address address = unix_path("a.sock");
    struct stat status;
    char peer[64] = "?";
    (void)state;
    int listener = listen_open(&address);
    assert_true(listener >= 0);
    assert_int_equal(stat(address.sa.un.sun_path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0777);
    int client = dial(&address), server = accept_one(listener, peer);
    assert_true(server >= 0);
    assert_non_blocking(server);
    assert_string_equal(peer, "");
    close(server);
    close(client);
    listen_close(listener, &address);
    assert_int_equal(stat(address.sa.un.sun_path, &status), -1);
}

static void a_stale_unix_socket_is_replaced(void **state)
{
    struct config_address address = unix_path("stale.sock");
    (void)state;
    close(listen_open(&address)); /* died without removing its file */
    int listener = listen_open(&address);
    assert_true(listener >= 0);
    listen_close(listener, &address);
}

static void somebody_elses_unix_socket_is_left(void **state)
{
    struct config_address address = unix_path("live.sock");
    (void)state;
    int listener = listen_open(&address);
    assert_int_equal(listen_open(&address), -1);
    assert_int_equal(errno, EADDRINUSE);
    int client = dial(&address); /* it still serves */
    close(client);
    listen_close(listener, &address);
}

/* A file that is no socket is nobody's leftover. */
static void a_file_in_the_way_is_left(void **state)
{
    struct config_address address = unix_path("file");
    (void)state;
    int fd = open(address.sa.un.sun_path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(listen_open(&address), -1);
    assert_int_equal(errno, EADDRINUSE);
    assert_int_equal(unlink(address.sa.un.sun_path), 0);
}

static void a_folder_that_is_not_there(void **state)
{
    struct config_address address = unix_path("none/a.sock");
    (void)state;
    assert_int_equal(listen_open(&address), -1);
    assert_int_equal(errno, ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tcp),
        cmocka_unit_test(tcp_of_both_families_on_one_port),
        cmocka_unit_test(a_port_in_use),
        cmocka_unit_test(unix_socket),
        cmocka_unit_test(a_stale_unix_socket_is_replaced),
        cmocka_unit_test(somebody_elses_unix_socket_is_left),
        cmocka_unit_test(a_file_in_the_way_is_left),
        cmocka_unit_test(a_folder_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
