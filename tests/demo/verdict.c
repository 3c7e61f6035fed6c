/*
 * verdict.c - each statement of the application in a general log is a read, harmless, or could write.
 *
 *   Connect app@…   ──> that thread is the application's: watching and replication have others
 *   Query …         ──> by its first word; what is not known to be harmless counts as a write
 */
#include "verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { THREADS = 1 << 16, FEWEST_READS = 100 };

struct seen {
    bool ours[THREADS]; /* by the server's thread number */
    int reads, writes;
    char write[120]; /* the first one */
};

/* What changes no data, besides reads. A SELECT without a table is the proxy's own: it waits for a position,
 * or saves what a connection remembers. */
static const char *const harmless[] = {"SELECT", "SET", "USE", "START", "BEGIN", "COMMIT", "ROLLBACK"};

static bool begins_with(const char *text, const char *word)
{
    size_t length = strlen(word);
    return strncasecmp(text, word, length) == 0 && (text[length] == ' ' || text[length] == '\0');
}

static bool is_read(const char *text)
{
    return begins_with(text, "SELECT") && strcasestr(text, " FROM ") && !strcasestr(text, "FOR UPDATE");
}

static bool is_harmless(const char *text)
{
    if (strcasestr(text, "FOR UPDATE"))
        return false;
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        if (begins_with(text, harmless[i]))
            return true;
    return false;
}

static bool look_at(const struct general_log_entry *entry, void *arg)
{
    struct seen *seen = arg;
    bool *ours = &seen->ours[entry->thread % THREADS];
    if (strcmp(entry->command, "Connect") == 0 || strcmp(entry->command, "Change user") == 0)
        *ours = strncmp(entry->text, "app@", 4) == 0;
    else if (strcmp(entry->command, "Query") != 0 && strcmp(entry->command, "Execute") != 0)
        return true;
    else if (*ours && is_read(entry->text))
        seen->reads++;
    else if (*ours && !is_harmless(entry->text) && seen->writes++ == 0)
        snprintf(seen->write, sizeof seen->write, "%.100s", entry->text);
    return true;
}

/* One server's line; false if it is not as it should be. `reads` are those of all replicas. */
static bool judge(const struct cluster *cluster, int server, const struct seen *seen, int reads)
{
    bool primary = server == 0;
    int share = reads ? 100 * seen->reads / reads : 0, fair = 100 / (cluster->count - 1) / 2;
    printf("  db%d %s: %d reads, %d writes", server + 1, primary ? "primary" : "replica", seen->reads,
           seen->writes);
    if (primary && seen->writes == 0)
        printf("  <- none of the writes reached it");
    if (!primary && share < fair)
        printf("  <- only %d %% of the replicas' reads", share);
    if (!primary && seen->writes > 0)
        printf("  <- sent to a replica: %s", seen->write);
    putchar('\n');
    return primary ? seen->writes > 0 : share >= fair && seen->writes == 0;
}

bool verdict(const struct cluster *cluster, const long *marks)
{
    struct seen *seen = calloc((size_t)cluster->count, sizeof *seen);
    int reads = 0;
    bool good = seen != NULL;
    for (int i = 0; good && i < cluster->count; i++) {
        good = general_log_each(&cluster->server[i], marks[i], look_at, &seen[i]);
        reads += i > 0 ? seen[i].reads : 0;
    }
    if (!good)
        fprintf(stderr, "demo: the servers' general logs can't be read\n");
    else
        printf("\nby the servers' own logs:\n");
    for (int i = 0, read = good; read && i < cluster->count; i++)
        good &= judge(cluster, i, &seen[i], reads);
    if (good && reads < FEWEST_READS) {
        printf("  only %d reads in all\n", reads);
        good = false;
    }
    free(seen);
    return good;
}
