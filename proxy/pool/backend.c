/*
 * backend.c - one connection to a server: connecting, moving between lists, its queue of commands, its end.
 *
 *   backend_connect ─> socket connects ─> backend_login.c ─> backend_logged_in ─> pool_serve
 *                         └──────────── any fault ─────────> backend_connect_failed
 *
 * A discarded connection stays allocated until the round of the loop ends (pools->dead), since callers up the
 * stack may hold it still; it leaves pools->backends only then, so walks over that list are safe.
 */
#include "backend.h"
#include "pointsman/base/log.h"
#include "pointsman/protocol/answer.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const char *backend_list_name(enum backend_list list)
{
    static const char *const names[] = {"connecting", "idle", "busy", "shared", "held", "cleaning", "dead"};
    return names[list];
}

static unsigned *counter_of(struct pool *pool, enum backend_list list)
{
    switch (list) {
    case BACKEND_CONNECTING: return &pool->connecting;
    case BACKEND_IDLE: return &pool->idle_count;
    case BACKEND_BUSY:
    case BACKEND_CLEANING: return &pool->busy;
    case BACKEND_SHARED: return &pool->shared_count;
    case BACKEND_HELD: return &pool->held;
    case BACKEND_DEAD: break;
    }
    return NULL;
}

static void count(struct backend *backend, int by)
{
    unsigned *counter = counter_of(backend->pool, backend->list);
    if (counter)
        *counter += (unsigned)by;
    if (backend->list == BACKEND_IDLE && backend->pool->idle_count < backend->pool->spare)
        backend->pool->spare = backend->pool->idle_count;
    if (backend->list == BACKEND_BUSY)
        backend->pool->set->busy[backend->pool->server] += (unsigned)by;
    if (backend->list == BACKEND_IDLE)
        atomic_fetch_add_explicit(&backend->pool->set->idle[backend->pool->server], (unsigned)by,
                                  memory_order_relaxed);
}

void backend_move(struct backend *backend, enum backend_list list)
{
    struct pool *pool = backend->pool;
    count(backend, -1);
    list_remove(&backend->link);
    backend->list = list;
    count(backend, 1);
    backend->since = pools_now(pool->set);
    if (list == BACKEND_IDLE)
        list_prepend(&pool->idle, &backend->link);
    else if (list == BACKEND_SHARED)
        list_append(&pool->shared, &backend->link);
    else if (list == BACKEND_DEAD)
        list_append(&pool->set->dead, &backend->link);
}

void backend_rehome(struct backend *backend, struct pool *pool)
{
    assert(backend->list != BACKEND_IDLE);
    count(backend, -1);
    backend->pool = pool;
    count(backend, 1);
}

void backend_take(struct backend *backend)
{
    assert(backend->list == BACKEND_IDLE);
    backend_move(backend, BACKEND_BUSY);
}

void backend_hold(struct backend *backend)
{
    if (backend->list == BACKEND_BUSY || backend->list == BACKEND_SHARED)
        backend_move(backend, BACKEND_HELD);
}

void backend_unhold(struct backend *backend)
{
    if (backend->list == BACKEND_HELD)
        backend_move(backend, BACKEND_BUSY);
}

void backend_set_state(struct backend *backend, struct state *state)
{
    state_ref(state);
    state_unref(backend->pool->set->states, backend->state);
    backend->state = state;
}

/* ---- commands in flight ---- */

static struct command *make_command(struct pools *set, enum command_kind kind, uint8_t code,
                                    struct session *session)
{
    struct command *command = list_first(&set->free_commands, struct command, link);
    if (command)
        list_remove(&command->link);
    else if (!(command = malloc(sizeof *command)))
        return NULL;
    *command = (struct command){.kind = kind, .code = code, .session = session};
    return command;
}

struct command *backend_expect(struct backend *backend, enum command_kind kind, uint8_t code,
                               struct session *session)
{
    struct command *command = make_command(backend->pool->set, kind, code, session);
    if (command)
        list_append(&backend->commands, &command->link);
    return command;
}

struct command *backend_query(struct backend *backend, enum command_kind kind, struct session *session,
                              const char *text, struct writer *w)
{
    size_t mark = packet_begin(w);
    write_u8(w, COM_QUERY);
    write_string(w, text);
    packet_end(w, mark, 0);
    return w->full ? NULL : backend_expect(backend, kind, COM_QUERY, session);
}

struct command *backend_expect_later(struct backend *backend, uint8_t code, uint32_t takes,
                                     struct session *session)
{
    struct pools *set = backend->pool->set;
    struct command *command = make_command(set, COMMAND_CLIENT, code, session);
    if (!command)
        return NULL;
    command->takes = takes;
    if (list_empty(&backend->unsent))
        list_append(&set->unsent, &backend->in_unsent);
    list_append(&backend->unsent, &command->link);
    backend->unsent_count++;
    return command;
}

void backend_sent(struct backend *backend)
{
    list_splice(&backend->commands, &backend->unsent);
    list_remove(&backend->in_unsent);
    backend->unsent_count = 0;
}

void backend_uncount(struct backend *backend, uint32_t takes)
{
    backend->depth--;
    backend->queued -= takes;
    backend->pool->set->busy[backend->pool->server]--;
}

static void drop_command(struct backend *backend, struct command *command)
{
    list_remove(&command->link);
    list_append(&backend->pool->set->free_commands, &command->link);
    if (command->takes)
        backend_uncount(backend, command->takes);
    struct pools *set = backend->pool->set;
    prepared_unref(&set->prepared, set->states, command->prepares);
    command->prepares = NULL;
}

void backend_withdraw(struct backend *backend, struct command *command)
{
    drop_command(backend, command);
    backend->unsent_count--;
    if (list_empty(&backend->unsent))
        list_remove(&backend->in_unsent);
}

void backend_answered(struct backend *backend)
{
    drop_command(backend, list_first(&backend->commands, struct command, link));
    backend->reading = false;
    if (backend->list == BACKEND_SHARED)
        backend->since = pools_now(backend->pool->set); /* the next one's turn */
    backend->answered++;
}

/* ---- what the socket says ---- */

static struct backend *backend_of(struct conn *conn)
{
    return list_entry(conn, struct backend, conn);
}

enum { TLS_TOLD_EVERY_MS = 10000 };

/* What the two sides' TLS can't agree on is seen in the log; who waits is served elsewhere, or not at all. */
void backend_note_tls_fault(const struct backend *backend, const char *why)
{
    struct pools *set = backend->pool->set;
    uint64_t *told = &set->tls_told[backend->pool->server], now = pools_now(set);
    if (*told && now - *told < TLS_TOLD_EVERY_MS)
        return;
    *told = now;
    log_event(LOG_WARNING, "server-tls-failed", "no connection to a server, since TLS can't be had",
              log_text("server", topology_server(set->topology, backend->pool->server)->name),
              log_text("why", why));
}

static void fail_socket(struct backend *backend, enum conn_outcome outcome)
{
    char words[200] = "closed by the server";
    if (outcome == CONN_FAILED)
        conn_fault(&backend->conn, words, sizeof words);
    if (conn_is_secure(&backend->conn))
        backend_note_tls_fault(backend, words);
    backend_connect_failed(backend, 0, "", words, strlen(words));
}

/* Packets of the login, one after the other, as far as they are complete. */
static void read_login(struct backend *backend)
{
    struct conn *conn = &backend->conn;
    enum conn_outcome outcome = conn_read(conn, 1024);
    if (outcome == CONN_AGAIN)
        return;
    if (outcome != CONN_OK) {
        fail_socket(backend, outcome);
        return;
    }
    if (backend->login_step == 0)
        backend_login_begin(backend);
    while (backend->list == BACKEND_CONNECTING && conn->in && chunk_used(conn->in) >= PACKET_HEADER) {
        const uint8_t *packet = conn->in->data + conn->in->start;
        size_t length = packet_length(packet);
        if (chunk_used(conn->in) < PACKET_HEADER + length) {
            if (length > CHUNK_LARGE / 2)
                backend_connect_failed(backend, 0, "", "nonsense from the server", 24);
            return;
        }
        bool done = backend_login_packet(backend, packet + PACKET_HEADER, length, packet_sequence(packet));
        if (!conn_is_open(conn))
            return;
        conn_consume(conn, PACKET_HEADER + length);
        backend_login_consumed(backend);
        if (done && conn->in) /* it would be taken for the first answer's beginning */
            backend_connect_failed(backend, 0, "", "nonsense from the server", 24);
        else if (done)
            pool_serve(backend->pool, backend);
    }
}

static void on_readable(struct conn *conn)
{
    struct backend *backend = backend_of(conn);
    if (backend->list == BACKEND_CONNECTING)
        read_login(backend);
    else
        backend->pool->set->events->readable(backend);
}

static void on_drained(struct conn *conn)
{
    struct backend *backend = backend_of(conn);
    if (backend->list != BACKEND_CONNECTING)
        backend->pool->set->events->drained(backend);
    else if (backend->login_step == 0)
        backend_login_begin(backend);
}

static void on_failed(struct conn *conn)
{
    struct backend *backend = backend_of(conn);
    if (backend->list == BACKEND_CONNECTING)
        fail_socket(backend, CONN_FAILED);
    else
        backend->pool->set->events->readable(backend); /* its last words, or its end */
}

static const struct conn_events backend_events = {on_readable, on_drained, on_failed};

/* ---- beginning and end ---- */

static int connect_socket(const struct config_address *address)
{
    int family = address->sa.any.sa_family;
    if (address->length == 0) { /* a server that isn't configured any more */
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connect(fd, &address->sa.any, address->length) == 0 || errno == EINPROGRESS)
        return fd;
    close(fd);
    return -1;
}

bool backend_connect(struct pool *pool)
{
    struct pools *set = pool->set;
    struct backend *backend = calloc(1, sizeof *backend);
    if (!backend)
        return false;
    int fd = connect_socket(&topology_server(set->topology, pool->server)->address);
    if (fd < 0) {
        set->avoid_until[pool->server] = pools_now(set) + POOL_BACKOFF;
        free(backend);
        return false;
    }
    backend->pool = pool;
    backend->list = BACKEND_CONNECTING;
    backend->since = pools_now(set);
    backend->state = state_ref(set->states->empty);
    list_init(&backend->link);
    list_init(&backend->commands);
    list_init(&backend->unsent);
    list_init(&backend->in_unsent);
    list_append(&set->backends, &backend->in_pools);
    pool->connecting++;
    conn_open(&backend->conn, fd, set->loop, set->chunks, &backend_events);
    conn_watch_connect(&backend->conn);
    return true;
}

void backend_refuse_all(struct pool *pool, unsigned code, const char *state, const char *message,
                        size_t length)
{
    struct list refused;
    list_init(&refused);
    list_splice(&refused, &pool->waiters);
    while (!list_empty(&refused)) {
        struct waiter *waiter = list_first(&refused, struct waiter, link);
        list_remove(&waiter->link);
        pool->set->events->refused(waiter, code, state, message, length);
    }
}

/* Errors that say that the server is busy or going, not that the account is wrong. */
static bool is_passing(unsigned code)
{
    return code == 0 || code == SERVER_ERROR_TOO_MANY_CONNECTIONS || code == 1203 || code == 1226 ||
           code == SERVER_ERROR_SERVER_SHUTDOWN || code == SERVER_ERROR_OUT_OF_RESOURCES;
}

void backend_connect_failed(struct backend *backend, unsigned code, const char *state, const char *message,
                            size_t length)
{
    struct pool *pool = backend->pool;
    struct pools *set = pool->set;
    char words[512]; /* the server's own lie in a buffer that goes with the connection */
    if (length > sizeof words)
        length = sizeof words;
    memcpy(words, message, length);
    atomic_fetch_add_explicit(&set->failed, 1, memory_order_relaxed);
    bool passing = is_passing(code);
    if (passing)
        set->avoid_until[pool->server] = pools_now(set) + POOL_BACKOFF;
    backend_discard(backend);
    /* A full server with connections of ours will have a free one in a moment: no reason to turn anybody
     * away. */
    if (passing && code && pool->busy + pool->shared_count + pool->idle_count)
        return;
    backend_refuse_all(pool, passing ? 0 : code, state, words, length);
}

void backend_discard(struct backend *backend)
{
    struct pool *pool = backend->pool;
    if (backend->list == BACKEND_DEAD)
        return;
    if (backend_has_past(backend) || !list_empty(&backend->commands)) /* it may be on its way */
        pool->set->events->forget(backend);
    backend_sent(backend);
    while (!list_empty(&backend->commands))
        backend_answered(backend);
    conn_close(&backend->conn);
    backend->session = NULL;
    atomic_fetch_sub(&pool->set->limits->used[pool->server], 1);
    backend_move(backend, BACKEND_DEAD);
}

void backend_free(struct backend *backend)
{
    list_remove(&backend->in_pools);
    placed_forget(backend);
    state_unref(backend->pool->set->states, backend->state);
    free(backend);
}

/* The schema stays with COM_RESET_CONNECTION, but character_set_database is the server's again. */
static size_t write_schema(const struct state *state, uint8_t *out, size_t size)
{
    size_t length;
    const char *schema = state_schema(state, &length);
    struct writer w = writer_of(out, size);
    if (!schema)
        return 0;
    size_t mark = packet_begin(&w);
    write_u8(&w, COM_INIT_DB);
    write_bytes(&w, schema, length);
    packet_end(&w, mark, 0);
    return writer_length(&w);
}

/* Schema and role survive COM_RESET_CONNECTION, everything else goes back to defaults that we don't know:
 * only that they differ. */
void backend_clean(struct backend *backend)
{
    static const uint8_t reset[] = {1, 0, 0, 0, COM_RESET_CONNECTION};
    struct pools *set = backend->pool->set;
    uint8_t setup[1024], schema[PACKET_HEADER + 1 + 4 * 64];
    struct iovec iov[] = {
        {.iov_base = (void *)(uintptr_t)reset, .iov_len = sizeof reset},
        {.iov_base = setup, .iov_len = backend_setup_packet(backend, setup, sizeof setup)},
        {.iov_base = schema, .iov_len = write_schema(backend->state, schema, sizeof schema)}};
    int count = iov[2].iov_len ? 3 : 2;
    struct state *after = state_after_reset(set->states, set->states->empty, backend->state);
    backend_move(backend, BACKEND_CLEANING);
    if (!after || !backend_expect(backend, COMMAND_CLEAN, COM_RESET_CONNECTION, NULL) ||
        !backend_expect(backend, COMMAND_CLEAN, COM_QUERY, NULL) ||
        (count == 3 && !backend_expect(backend, COMMAND_CLEAN, COM_INIT_DB, NULL)) ||
        conn_writev(&backend->conn, iov, count) != CONN_OK) {
        state_unref(set->states, after);
        backend_discard(backend);
        return;
    }
    placed_forget(backend);
    backend_set_state(backend, after);
    state_unref(set->states, after);
    backend->warnings = false;
}
