/*
 * secrets.c - passwords in locked memory: see secrets.h.
 *
 *   pages ──> page ──> page      one mapping each, locked, not dumped: SLOTS places, free or taken
 *
 * Few accounts are in use, and a place is looked for once a login: pages are walked.
 */
#include "pointsman/topology/secrets.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "pointsman/base/log.h"
#include "pointsman/topology/accounts.h"

enum { PAGE_BYTES = 16384 };

struct slot {
    uint64_t serial; /* 0: free */
    char password[AUTH_PASSWORD_MAX + 1];
};

struct page {
    struct page *next;
    struct slot slots[(PAGE_BYTES - sizeof(void *)) / sizeof(struct slot)];
};

enum { SLOTS = sizeof((struct page *)0)->slots / sizeof(struct slot) };

static struct {
    pthread_mutex_t lock;
    struct page *pages;
} secrets = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct page *page_new(void)
{
    struct page *page = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return NULL;
    madvise(page, PAGE_BYTES, MADV_DONTDUMP);
    if (mlock(page, PAGE_BYTES) < 0)
        log_event(
            LOG_WARNING, "secrets-not-locked",
            "passwords that clients tell may be swapped to disk: the limit of locked memory is too low");
    page->next = secrets.pages;
    secrets.pages = page;
    return page;
}

/* The place with this serial; NULL: none. 0 finds a free one. */
static struct slot *find(uint64_t serial)
{
    for (struct page *page = secrets.pages; page; page = page->next)
        for (size_t i = 0; i < SLOTS; i++)
            if (page->slots[i].serial == serial)
                return &page->slots[i];
    return NULL;
}

static void forget(struct slot *slot)
{
    explicit_bzero(slot, sizeof *slot);
}

bool secrets_learn(uint64_t serial, const char *password, size_t length)
{
    if (length > AUTH_PASSWORD_MAX || !serial)
        return false;
    pthread_mutex_lock(&secrets.lock);
    struct slot *slot = find(serial);
    if (!slot)
        slot = find(0);
    if (!slot && page_new())
        slot = find(0);
    if (slot) {
        forget(slot);
        slot->serial = serial;
        memcpy(slot->password, password, length);
    }
    pthread_mutex_unlock(&secrets.lock);
    return slot != NULL;
}

bool secrets_know(uint64_t serial, char password[AUTH_PASSWORD_MAX + 1])
{
    pthread_mutex_lock(&secrets.lock);
    const struct slot *slot = serial ? find(serial) : NULL;
    if (slot)
        memcpy(password, slot->password, sizeof slot->password);
    pthread_mutex_unlock(&secrets.lock);
    return slot != NULL;
}

static bool has_row(const struct accounts *accounts, uint64_t serial)
{
    for (size_t i = 0; i < accounts->count; i++)
        if (accounts->rows[i].serial == serial)
            return true;
    return false;
}

void secrets_review(const struct accounts *accounts)
{
    pthread_mutex_lock(&secrets.lock);
    for (struct page *page = secrets.pages; page; page = page->next)
        for (size_t i = 0; i < SLOTS; i++)
            if (page->slots[i].serial && !has_row(accounts, page->slots[i].serial))
                forget(&page->slots[i]);
    pthread_mutex_unlock(&secrets.lock);
}
