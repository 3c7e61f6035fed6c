/*
 * console.c - see console.h. One thread with a loop of its own; statements run in it, one after another.
 * Those that need rows of the workers wait for them, and only the console waits.
 */
#include "console.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "figures.h"
#include "pointsman/base/log.h"
#include "pointsman/net/listen.h"
#include "pointsman/protocol/answer.h"
#include "pointsman/protocol/result.h"

enum { LISTENERS_MAX = 8, GUESTS_MAX = 64, STACK_BYTES = 1 << 20, READ_LEAST = 512 };

static struct {
    struct ev_loop *loop;
    pthread_t thread;
    ev_async stop;
    ev_io listeners[LISTENERS_MAX];
    size_t listeners_count;
    const struct config *config; /* borrowed: its addresses are those that we listen on */
    struct admin_context context;
    struct chunk_pool chunks;
    struct list guests;
    unsigned guests_count;
    uint32_t last_id;
} console;

/* ---- a guest's life ---- */

void guest_close(struct guest *guest)
{
    conn_close(&guest->conn);
    guest->step = GUEST_CLOSED;
}

/* To be called last in every callback of a guest. */
static void guest_end_if_closed(struct guest *guest)
{
    if (guest->step != GUEST_CLOSED)
        return;
    ev_timer_stop(console.loop, &guest->timer);
    list_remove(&guest->link);
    console.guests_count--;
    free(guest);
}

void guest_wait(struct guest *guest, double seconds)
{
    guest->timer.repeat = seconds;
    ev_timer_again(console.loop, &guest->timer);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    struct guest *guest = timer->data;
    if (guest->step == GUEST_REFUSED)
        console_refuse_now(guest);
    else
        guest_close(guest);
    guest_end_if_closed(guest);
}

/* ---- sending ---- */

static void send_bytes(struct guest *guest, const void *data, size_t length)
{
    if (guest->step == GUEST_CLOSED)
        return;
    if (conn_write(&guest->conn, data, length) != CONN_OK)
        guest_close(guest);
    else if (conn_backlogged(&guest->conn))
        conn_watch(&guest->conn, false); /* nothing more is taken from a client that doesn't read */
}

void guest_send(struct guest *guest, const struct writer *w)
{
    if (w->full)
        guest_close(guest);
    else
        send_bytes(guest, w->start, writer_length(w));
}

void guest_send_ok(struct guest *guest, const char *info)
{
    uint8_t packet[1024];
    struct writer w = writer_of(packet, sizeof packet);
    size_t mark = packet_begin(&w);
    struct answer_ok ok = {.status = STATUS_AUTOCOMMIT, .info = {(const uint8_t *)info, strlen(info)}};
    answer_ok_write(&w, 0x00, &ok, guest->capabilities);
    packet_end(&w, mark, guest->sequence++);
    guest_send(guest, &w);
}

void guest_send_err(struct guest *guest, uint16_t code, const char *state, const char *message)
{
    uint8_t packet[1024];
    struct writer w = writer_of(packet, sizeof packet);
    size_t mark = packet_begin(&w);
    answer_err_write(&w, code, state, message, strlen(message), guest->capabilities);
    packet_end(&w, mark, guest->sequence++);
    guest_send(guest, &w);
}

/* One of the servers' own errors without arguments. */
static void send_error(struct guest *guest, enum server_error code)
{
    const struct server_error_text *error = server_error_text(code);
    guest_send_err(guest, error->code, error->state, error->format);
}

/* ---- commands ---- */

static void send_rows(struct guest *guest, const struct result_set *set)
{
    size_t length;
    uint8_t *packets = result_set_write(set, guest->capabilities, &guest->sequence, &length);
    if (packets)
        send_bytes(guest, packets, length);
    else
        send_error(guest, SERVER_ERROR_OUT_OF_RESOURCES);
    free(packets);
}

static void run_query(struct guest *guest, const uint8_t *payload, size_t length)
{
    struct reply reply;
    command_answer(&guest->asker, (const char *)payload, length, &reply);
    switch (reply.kind) {
    case REPLY_OK: guest_send_ok(guest, reply.text); break;
    case REPLY_ERR: guest_send_err(guest, reply.code, reply.state, reply.text); break;
    case REPLY_ROWS: send_rows(guest, &reply.set); break;
    }
    reply_done(&reply);
}

/* Any name will do: there is nothing in it, but rules of EXPLAIN ROUTE look at it. */
static void run_init_db(struct guest *guest, const uint8_t *payload, size_t length)
{
    if (length >= sizeof guest->schema || memchr(payload, 0, length)) {
        guest_send_err(guest, 1102, "42000", "Incorrect database name");
        return;
    }
    memcpy(guest->schema, payload, length);
    guest->schema[length] = 0;
    guest_send_ok(guest, "");
}

static void run_statistics(struct guest *guest, const uint8_t *payload, size_t length)
{
    (void)payload, (void)length;
    uint8_t packet[256];
    char text[200];
    struct figures figures;
    struct process_figures process;
    uint64_t statements = 0;
    figures_take(console.context.workers, &figures);
    process_take(&process);
    for (int i = 0; i < ROUTE_CLASSES; i++)
        statements += figures.statements[i];
    snprintf(text, sizeof text, "Uptime: %.0f  Sessions: %llu  Statements: %llu  Login failures: %llu",
             process.uptime_seconds, (unsigned long long)figures.single[FIGURE_SESSIONS],
             (unsigned long long)statements, (unsigned long long)figures.single[FIGURE_LOGIN_FAILURES]);
    struct writer w = writer_of(packet, sizeof packet);
    size_t mark = packet_begin(&w);
    write_string(&w, text);
    packet_end(&w, mark, guest->sequence++);
    guest_send(guest, &w);
}

static void run_ping(struct guest *guest, const uint8_t *payload, size_t length)
{
    (void)payload, (void)length;
    guest_send_ok(guest, "");
}

static void run_quit(struct guest *guest, const uint8_t *payload, size_t length)
{
    (void)payload, (void)length;
    guest_close(guest);
}

static void run_prepare(struct guest *guest, const uint8_t *payload, size_t length)
{
    (void)payload, (void)length;
    guest_send_err(guest, 1295, "HY000",
                   "This command is not supported in the prepared statement protocol yet");
}

static const struct {
    uint8_t code;
    void (*run)(struct guest *guest, const uint8_t *payload, size_t length);
} table[] = {
    {COM_QUERY, run_query},
    {COM_PING, run_ping},
    {COM_QUIT, run_quit},
    {COM_INIT_DB, run_init_db},
    {COM_STATISTICS, run_statistics},
    {COM_RESET_CONNECTION, run_ping},
    {COM_STMT_PREPARE, run_prepare},
};

static void run_command(struct guest *guest, const uint8_t *payload, size_t length)
{
    guest->sequence = 1;
    if (length == 0) {
        send_error(guest, SERVER_ERROR_MALFORMED);
        guest_close(guest);
        return;
    }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].code == payload[0]) {
            table[i].run(guest, payload + 1, length - 1);
            return;
        }
    if (result_shape_of(payload[0]) != RESULT_SHAPE_NONE) /* else nobody waits for an answer */
        send_error(guest, SERVER_ERROR_UNKNOWN_COMMAND);
}

/* ---- packets ---- */

static void take_packet(struct guest *guest, const uint8_t *packet, size_t length)
{
    bool ready = guest->step == GUEST_READY;
    uint8_t expected = ready ? 0 : guest->sequence;
    if (packet_sequence(packet) != expected) {
        guest->sequence = (uint8_t)(packet_sequence(packet) + 1);
        guest_send_err(guest, SERVER_ERROR_OUT_OF_ORDER, "08S01", "Got packets out of order");
        guest_close(guest);
    } else if (ready) {
        guest_wait(guest, guest->timer.repeat);
        run_command(guest, packet + PACKET_HEADER, length);
    } else {
        guest->sequence++;
        console_login(guest, packet + PACKET_HEADER, length);
    }
}

/* The packets that are there, until one is not whole; false: it is too long, and so is what was promised. */
static bool take_packets(struct guest *guest, size_t *ret_missing)
{
    *ret_missing = READ_LEAST;
    while (guest->conn.in && guest->step != GUEST_CLOSED && guest->step != GUEST_REFUSED) {
        const struct chunk *in = guest->conn.in;
        const uint8_t *packet = in->data + in->start;
        size_t used = chunk_used(in);
        if (used < PACKET_HEADER)
            break;
        size_t length = packet_length(packet);
        if (length + PACKET_HEADER > CHUNK_LARGE)
            return false;
        if (used < PACKET_HEADER + length) {
            *ret_missing = PACKET_HEADER + length - used;
            break;
        }
        if (conn_backlogged(&guest->conn))
            break; /* on_drained comes back */
        take_packet(guest, packet, length);
        if (guest->step != GUEST_CLOSED)
            conn_consume(&guest->conn, PACKET_HEADER + length);
    }
    return true;
}

static void go_on(struct guest *guest, size_t *ret_missing)
{
    if (!take_packets(guest, ret_missing)) {
        guest->sequence = 1;
        guest_send_err(guest, SERVER_ERROR_PACKET_TOO_LARGE, "08S01",
                       "Got a packet bigger than 'max_allowed_packet' bytes");
        guest_close(guest);
    }
}

static void on_readable(struct conn *conn)
{
    struct guest *guest = list_entry(conn, struct guest, conn);
    size_t missing;
    go_on(guest, &missing);
    enum conn_outcome outcome = guest->step == GUEST_CLOSED ? CONN_AGAIN : conn_read(conn, missing);
    if (outcome == CONN_OK)
        go_on(guest, &missing);
    else if (outcome != CONN_AGAIN)
        guest_close(guest);
    guest_end_if_closed(guest);
}

static void on_drained(struct conn *conn)
{
    struct guest *guest = list_entry(conn, struct guest, conn);
    size_t missing;
    if (guest->step != GUEST_REFUSED)
        conn_watch(conn, true);
    go_on(guest, &missing);
    guest_end_if_closed(guest);
}

static void on_failed(struct conn *conn)
{
    struct guest *guest = list_entry(conn, struct guest, conn);
    guest_close(guest);
    guest_end_if_closed(guest);
}

static const struct conn_events guest_events = {on_readable, on_drained, on_failed};

/* ---- listening ---- */

static void take_guest(int fd, const char *address)
{
    struct guest *guest = calloc(1, sizeof *guest);
    if (!guest) {
        close(fd);
        return;
    }
    conn_open(&guest->conn, fd, console.loop, &console.chunks, &guest_events);
    list_append(&console.guests, &guest->link);
    console.guests_count++;
    snprintf(guest->host, sizeof guest->host, "%s", *address ? address : "localhost");
    guest->asker = (struct asker){.context = &console.context,
                                  .id = ++console.last_id,
                                  .user = guest->user,
                                  .host = guest->host,
                                  .schema = guest->schema};
    ev_timer_init(&guest->timer, on_timer, 0., 0.);
    guest->timer.data = guest;
    guest_wait(guest, console.config->login_timeout ? console.config->login_timeout / 1000.0 : 10.0);
    if (console.guests_count > GUESTS_MAX) {
        send_error(guest, SERVER_ERROR_TOO_MANY_CONNECTIONS);
        guest_close(guest);
    } else {
        console_greet(guest);
    }
    guest_end_if_closed(guest);
}

static void on_accept(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop, (void)events;
    char address[64];
    int fd = listen_accept(watcher->fd, address, sizeof address);
    if (fd >= 0)
        take_guest(fd, address);
}

static bool listen_on(const struct config_address *address)
{
    int fd = listen_open(address);
    if (fd < 0) {
        log_event(LOG_ERROR, "admin-listen-failed", "cannot listen for the admin console",
                  log_text("address", address->text), log_text("why", strerror(errno)));
        return false;
    }
    ev_io *watcher = &console.listeners[console.listeners_count++];
    ev_io_init(watcher, on_accept, fd, EV_READ);
    ev_io_start(console.loop, watcher);
    return true;
}

/* ---- the thread ---- */

static void on_stop(struct ev_loop *loop, ev_async *watcher, int events)
{
    (void)watcher, (void)events;
    ev_break(loop, EVBREAK_ALL);
}

static void *run(void *argument)
{
    (void)argument;
    ev_run(console.loop, 0);
    return NULL;
}

static void release(void)
{
    for (size_t i = 0; i < console.listeners_count; i++)
        listen_close(console.listeners[i].fd, &console.config->admin[i]);
    list_each_safe (node, &console.guests) {
        struct guest *guest = list_entry(node, struct guest, link);
        guest_close(guest);
        guest_end_if_closed(guest);
    }
    chunk_pool_done(&console.chunks);
    ev_loop_destroy(console.loop);
    console.loop = NULL;
    console.listeners_count = 0;
}

static bool start_thread(void)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    bool started = pthread_create(&console.thread, &attributes, run, NULL) == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

bool console_start(const struct config *config, const struct admin_context *context)
{
    if (config->admin_count == 0)
        return true;
    console.config = config;
    console.context = *context;
    console.loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
    if (!console.loop)
        return false;
    chunk_pool_init(&console.chunks);
    list_init(&console.guests);
    ev_async_init(&console.stop, on_stop);
    ev_async_start(console.loop, &console.stop);
    bool started = true;
    for (size_t i = 0; i < config->admin_count && i < LISTENERS_MAX && started; i++)
        started = listen_on(&config->admin[i]);
    started = started && start_thread();
    if (!started)
        release();
    return started;
}

void console_stop(void)
{
    if (!console.loop)
        return;
    ev_async_send(console.loop, &console.stop);
    pthread_join(console.thread, NULL);
    release();
}
