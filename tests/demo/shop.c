/*
 * shop.c - the shop: its schema, what is done in it, and the customers' threads.
 *
 *   customer: connect ─> pick an act by weight ─> its statements ─> a short rest ─┐
 *                ^               ^────────────────────────────────────────────────┤
 *                └──── connection lost: counted, and connect again <──────────────┘
 *
 * All talk to the proxy as an application would: nothing here says what is a read and what is a write.
 */
#include "shop.h"

#include <errmsg.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../cluster/cluster.h"

enum { PRODUCTS = 200, PEOPLE = 100, REST_MS = 20, RECONNECT_MS = 250, CUSTOMERS_MAX = 64 };

/* ---- the schema ---- */

static const char *const schema[] = {
    "DROP TABLE IF EXISTS purchase_line, purchase, product, customer",
    "CREATE TABLE customer (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(60) NOT NULL, city VARCHAR(40))",
    "CREATE TABLE product (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(60) NOT NULL,"
    " category VARCHAR(20) NOT NULL, price DECIMAL(8, 2) NOT NULL, stock INT NOT NULL, KEY (category))",
    "CREATE TABLE purchase (id BIGINT PRIMARY KEY AUTO_INCREMENT, customer INT NOT NULL,"
    " placed TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, total DECIMAL(10, 2) NOT NULL, KEY (customer))",
    "CREATE TABLE purchase_line (purchase BIGINT NOT NULL, product INT NOT NULL, quantity INT NOT NULL,"
    " price DECIMAL(8, 2) NOT NULL, PRIMARY KEY (purchase, product), KEY (product))",
    "INSERT INTO customer (name, city)"
    " WITH RECURSIVE n AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 99)"
    " SELECT CONCAT(ELT(1 + i MOD 10, 'Ada', 'Ben', 'Chloe', 'Dev', 'Emma', 'Farid', 'Greta', 'Hugo',"
    " 'Ines', 'Jun'), ' ', ELT(1 + i DIV 10, 'Abel', 'Berg', 'Costa', 'Diaz', 'Evans', 'Fabre', 'Gupta',"
    " 'Hansen', 'Ito', 'Jansen')), ELT(1 + i MOD 4, 'Lisbon', 'Oslo', 'Prague', 'Turin') FROM n",
    "INSERT INTO product (name, category, price, stock)"
    " WITH RECURSIVE n AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 199)"
    " SELECT CONCAT(ELT(1 + i MOD 10, 'Red', 'Blue', 'Green', 'Small', 'Large', 'Folding', 'Steel', 'Oak',"
    " 'Light', 'Sturdy'), ' ', ELT(1 + i DIV 10, 'kettle', 'pan', 'ladle', 'sieve', 'bowl', 'spade', 'rake',"
    " 'hose', 'pot', 'bench', 'lamp', 'desk', 'shelf', 'chair', 'clock', 'bag', 'tent', 'map', 'bottle',"
    " 'torch')), ELT(1 + i DIV 50, 'kitchen', 'garden', 'home', 'travel'),"
    " 4.5 + i * 7 MOD 60, 1000 FROM n",
};

bool shop_load(MYSQL *connection)
{
    for (size_t i = 0; i < sizeof schema / sizeof schema[0]; i++)
        if (sql_run(connection, "%s", schema[i]) != 0) {
            fprintf(stderr, "demo: the shop's schema: %s\n", mysql_error(connection));
            return false;
        }
    return true;
}

/* ---- what is done ---- */

struct customer {
    struct shop *shop;
    MYSQL *connection; /* NULL while there is none */
    pthread_t thread;
    unsigned seed;
};

struct shop {
    int port;
    int count;
    atomic_bool closing;
    pthread_mutex_t first_error;
    struct shop_tally tally;
    struct customer customer[CUSTOMERS_MAX];
};

static int any(struct customer *customer, int count)
{
    return 1 + rand_r(&customer->seed) % count;
}

/* Acts return whether all their statements went well. */

static bool browse(struct customer *customer)
{
    static const char *const categories[] = {"kitchen", "garden", "home", "travel"};
    const char *category = categories[any(customer, 4) - 1];
    return sql_run(customer->connection, "SELECT COUNT(*) FROM product WHERE category = '%s'", category) ==
               0 &&
           sql_run(customer->connection,
                   "SELECT id, name, price FROM product WHERE category = '%s' AND stock > 0 ORDER BY price "
                   "LIMIT 12 OFFSET %d",
                   category, any(customer, 30)) == 0;
}

static bool look(struct customer *customer)
{
    int product = any(customer, PRODUCTS);
    return sql_run(customer->connection, "SELECT name, category, price, stock FROM product WHERE id = %d",
                   product) == 0 &&
           sql_run(customer->connection,
                   "SELECT SUM(l.quantity) FROM purchase_line l JOIN purchase p ON p.id = l.purchase "
                   "WHERE l.product = %d",
                   product) == 0;
}

static bool order(struct customer *customer)
{
    MYSQL *connection = customer->connection;
    int product = any(customer, PRODUCTS), buyer = any(customer, PEOPLE), quantity = any(customer, 3);
    return sql_run(connection, "START TRANSACTION") == 0 &&
           sql_run(connection, "SELECT stock FROM product WHERE id = %d FOR UPDATE", product) == 0 &&
           sql_run(connection,
                   "INSERT INTO purchase (customer, total) SELECT %d, %d * price FROM product WHERE id = %d",
                   buyer, quantity, product) == 0 &&
           sql_run(
               connection,
               "INSERT INTO purchase_line SELECT LAST_INSERT_ID(), id, %d, price FROM product WHERE id = %d",
               quantity, product) == 0 &&
           sql_run(connection, "UPDATE product SET stock = stock - %d WHERE id = %d", quantity, product) ==
               0 &&
           sql_run(connection, "COMMIT") == 0 &&
           sql_run(connection,
                   "SELECT id, placed, total FROM purchase WHERE customer = %d ORDER BY id DESC LIMIT 5",
                   buyer) == 0;
}

static bool restock(struct customer *customer)
{
    return sql_run(customer->connection, "UPDATE product SET stock = 1000 WHERE id = %d",
                   any(customer, PRODUCTS)) == 0;
}

/* Two questions about one moment: a transaction that says it only reads runs on one replica. */
static bool report(struct customer *customer)
{
    MYSQL *connection = customer->connection;
    return sql_run(connection, "START TRANSACTION READ ONLY") == 0 &&
           sql_run(connection, "SELECT category, SUM(stock), AVG(price) FROM product GROUP BY category") ==
               0 &&
           sql_run(connection, "SELECT c.city, COUNT(*), SUM(p.total) FROM purchase p "
                               "JOIN customer c ON c.id = p.customer GROUP BY c.city") == 0 &&
           sql_run(connection, "COMMIT") == 0;
}

static const struct {
    int weight; /* out of 100 */
    bool (*run)(struct customer *customer);
} acts[ACTS] = {
    [ACT_BROWSE] = {50, browse},  [ACT_LOOK] = {32, look},    [ACT_ORDER] = {10, order},
    [ACT_RESTOCK] = {4, restock}, [ACT_REPORT] = {4, report},
};

static enum act next_act(struct customer *customer)
{
    int at = any(customer, 100), act = 0;
    while (act < ACTS - 1 && (at -= acts[act].weight) > 0)
        act++;
    return (enum act)act;
}

/* ---- customers ---- */

static void rest(int ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

static void note_failure(struct shop *shop, const char *error)
{
    pthread_mutex_lock(&shop->first_error);
    if (atomic_load(&shop->tally.failed) == 0)
        snprintf(shop->tally.error, sizeof shop->tally.error, "%s", error);
    atomic_fetch_add(&shop->tally.failed, 1);
    pthread_mutex_unlock(&shop->first_error);
}

/* After an error the session is as new: whatever transaction was open is over. */
static void start_over(struct customer *customer)
{
    note_failure(customer->shop, mysql_error(customer->connection));
    mysql_close(customer->connection);
    customer->connection = NULL;
}

static void *live(void *arg)
{
    struct customer *customer = arg;
    struct shop *shop = customer->shop;
    mysql_thread_init();
    while (!atomic_load(&shop->closing)) {
        if (!customer->connection &&
            !(customer->connection = sql_connect(NULL, shop->port, &cluster_app, "shop", 0))) {
            note_failure(shop, "could not log in");
            rest(RECONNECT_MS);
            continue;
        }
        enum act act = next_act(customer);
        if (acts[act].run(customer))
            atomic_fetch_add(&shop->tally.done[act], 1);
        else
            start_over(customer);
        rest(any(customer, 2 * REST_MS));
    }
    if (customer->connection)
        mysql_close(customer->connection);
    mysql_thread_end();
    return NULL;
}

struct shop *shop_open(int port, int customers)
{
    struct shop *shop = calloc(1, sizeof *shop);
    if (!shop)
        return NULL;
    shop->port = port;
    pthread_mutex_init(&shop->first_error, NULL);
    while (shop->count < customers && shop->count < CUSTOMERS_MAX) {
        struct customer *customer = &shop->customer[shop->count];
        *customer = (struct customer){.shop = shop, .seed = (unsigned)shop->count};
        if (pthread_create(&customer->thread, NULL, live, customer) != 0)
            break;
        shop->count++;
    }
    if (shop->count == customers)
        return shop;
    shop_close(shop);
    return NULL;
}

const struct shop_tally *shop_tally(const struct shop *shop)
{
    return &shop->tally;
}

void shop_close(struct shop *shop)
{
    if (!shop)
        return;
    atomic_store(&shop->closing, true);
    for (int i = 0; i < shop->count; i++)
        pthread_join(shop->customer[i].thread, NULL);
    pthread_mutex_destroy(&shop->first_error);
    free(shop);
}
