/*
 * test_sql_body.c - what statements define, what bodies mention, and who mentions what leaves something.
 */
#include "sql_cases.h"

/* ---- what a statement defines ---- */

#define VIEW       SQL_DEFINES_VIEW
#define ROUTINE    SQL_DEFINES_ROUTINE
#define OTHER_NAME SQL_DEFINES_OTHER_NAME
#define NOTHING    SQL_DEFINES_NOTHING

static const struct {
    const char *text, *names; /* each followed by a comma */
    enum sql_defines as;
} defining[] = {
    {"CREATE VIEW v AS SELECT 1", "v,", VIEW},
    {"CREATE OR REPLACE VIEW shop.v AS SELECT 1", "v,", VIEW},
    {"create algorithm = merge definer=`a`@`b` sql security invoker view `shop` . `v w` (a) as select 1",
     "v w,", VIEW},
    {"CREATE VIEW IF NOT EXISTS v AS SELECT 1", "v,", VIEW},
    {"CREATE /*!50001 VIEW v AS */ SELECT 1", "v,", VIEW},
    {"ALTER VIEW v AS SELECT 1", "v,", VIEW},
    {"ALTER ALGORITHM = UNDEFINED VIEW shop.v AS SELECT 1", "v,", VIEW},
    {"CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END", "p,", ROUTINE},
    {"CREATE DEFINER = CURRENT_USER() PROCEDURE IF NOT EXISTS shop.p() SELECT 1", "p,", ROUTINE},
    {"CREATE OR REPLACE AGGREGATE FUNCTION f(a INT) RETURNS INT RETURN 1", "f,", ROUTINE},
    {"CREATE FUNCTION f RETURNS STRING SONAME 'f.so'", "f,", ROUTINE},
    {"CREATE PACKAGE BODY shop.p AS END", "p,", ROUTINE},
    {"CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET @a = 1", "t,", ROUTINE},
    {"CREATE OR REPLACE TRIGGER IF NOT EXISTS shop.x AFTER DELETE ON shop.t FOR EACH ROW BEGIN END", "t,",
     ROUTINE},
    {"RENAME TABLE a TO b", "a,b,", OTHER_NAME},
    {"RENAME TABLES IF EXISTS shop.a WAIT 5 TO shop.b, `to` TO `c d`;", "a,b,to,c d,", OTHER_NAME},
    {"ALTER TABLE t ADD a INT, RENAME TO shop.u, ADD b INT", "u,", OTHER_NAME},
    {"ALTER ONLINE IGNORE TABLE t RENAME = u", "u,", OTHER_NAME},
    {"ALTER TABLE t RENAME COLUMN a TO b", "", NOTHING},
    {"ALTER TABLE t ADD rename_me INT", "", NOTHING},
    {"CREATE TABLE view (a INT)", "", NOTHING},
    {"CREATE TABLE t AS SELECT 1", "", NOTHING},
    {"CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO CALL p()", "e,", ROUTINE},
    {"DROP VIEW v", "", NOTHING},
    {"RENAME USER a TO b", "", NOTHING},
    {"CREATE USER v", "", NOTHING},
    {"SELECT 'CREATE VIEW v AS SELECT 1'", "", NOTHING},
    {"CREATE VIEW", "", NOTHING},
    {"CREATE TRIGGER x", "", NOTHING},
    {"RENAME TABLE", "", OTHER_NAME},
};

static void names_that_are_defined(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(defining) / sizeof(defining[0]); i++) {
        struct sql_facts facts = read_one(defining[i].text, &mariadb);
        struct sql_span rest = facts.defines, name;
        char names[200] = "";
        size_t length = 0;
        while (sql_defined_next(&rest, &mariadb, &name))
            length += (size_t)snprintf(names + length, sizeof(names) - length, "%.*s,", (int)name.length,
                                       name.at);
        if (strcmp(names, defining[i].names) != 0 || facts.defines_as != defining[i].as)
            fail_msg("%s: defines '%s' as %d", defining[i].text, names, facts.defines_as);
    }
}

/* ---- bodies ---- */

enum { LEAVES = SQL_BODY_LEAVES, ASSIGNS = SQL_BODY_ASSIGNS };

static const struct {
    const char *body;
    unsigned habits;
    const char *mentions, *not ;
} bodies[] = {
    {"BEGIN INSERT INTO t VALUES (1); RETURN 42; END", 0, "T", "u"},
    {"select `shop`.`v a`.`b` AS `b` from `shop`.`v a`", 0, "V A", "v"},
    {"SELECT GET_LOCK('a', 1)", LEAVES, "get_lock", "a"},
    {"SELECT `get_lock`('a', 1)", LEAVES, NULL, NULL},
    {"SELECT 'get_lock' -- get_lock\n /* get_lock */ # get_lock", 0, NULL, "get_lock"},
    {"SELECT 1 /*! , GET_LOCK('a', 1) */", LEAVES, NULL, NULL},
    {"SET ROLE clerk", LEAVES, "clerk", NULL},
    {"SET /* x */ role NONE", LEAVES, NULL, NULL},
    {"SELECT role FROM t", 0, "role", NULL},
    {"SET DEFAULT ROLE clerk", 0, NULL, NULL},
    {"BEGIN PREPARE s FROM @a; EXECUTE s; END", LEAVES | ASSIGNS, NULL, NULL},
    {"EXECUTE IMMEDIATE @a", LEAVES | ASSIGNS, NULL, NULL},
    {"FLUSH TABLES WITH READ LOCK", LEAVES, NULL, NULL},
    {"BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION ROLLBACK; CALL other(); END", 0, "OTHER", NULL},
    {"HANDLER t OPEN", LEAVES, NULL, NULL},
    {"BEGIN SELECT 1; HANDLER t OPEN; END", LEAVES, NULL, NULL},
    {"XA START 'a'", LEAVES, NULL, NULL},
    {"SELECT xa FROM t", 0, NULL, NULL},
    {"CALL `sys`.execute_prepared_stmt(@a)", LEAVES | ASSIGNS, NULL, NULL},
    {"SELECT sys FROM t", 0, NULL, NULL},
    {"SELECT 'never closed", LEAVES | ASSIGNS, NULL, NULL},
    {"CALL `a``b`()", 0, "a`b", NULL},
    {"CALL \303\244()", 0, "\303\204", NULL}, /* in another case */
    {"DROP TEMPORARY TABLE IF EXISTS t", 0, NULL, NULL},
    {"BEGIN DROP TEMPORARY TABLE t; CREATE TEMPORARY TABLE t (a INT); END", LEAVES, NULL, NULL},
    {"SELECT MAX(a) INTO @a FROM t", ASSIGNS, NULL, NULL},
    {"SELECT '@a', @@sql_mode", 0, NULL, NULL},
    {"", 0, NULL, "t"},
};

static bool mentioned(const uint64_t *keys, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (keys[i] == sql_name_key(name, strlen(name)))
            return true;
    return false;
}

static void names_in_bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        uint64_t keys[100];
        unsigned habits;
        size_t length = strlen(bodies[i].body);
        struct guard guard = guard_of(bodies[i].body, length);
        size_t count = sql_body_names((const char *)guard.at, length, &mariadb, keys, &habits);
        guard_done(&guard);
        if (habits != bodies[i].habits)
            fail_msg("%s: habits %u", bodies[i].body, habits);
        if (bodies[i].mentions && !mentioned(keys, count, bodies[i].mentions))
            fail_msg("%s: does not mention %s", bodies[i].body, bodies[i].mentions);
        if (bodies[i].not &&mentioned(keys, count, bodies[i].not ))
            fail_msg("%s: mentions %s", bodies[i].body, bodies[i].not );
    }
}

static void quotes_are_those_of_the_bodys_mode(void **state)
{
    static const struct sql_options ansi = {.mariadb = true, .version = 101119, .mode = SQL_MODE_ANSI_QUOTES};
    static const char body[] = "CALL \"p\"()";
    uint64_t keys[10];
    unsigned habits;
    (void)state;
    size_t count = sql_body_names(body, strlen(body), &mariadb, keys, &habits);
    assert_false(mentioned(keys, count, "p"));
    count = sql_body_names(body, strlen(body), &ansi, keys, &habits);
    assert_true(mentioned(keys, count, "p"));
}

/* ---- who mentions what leaves something ---- */

static const struct {
    const char *text;
    bool leaves;
} mentioning[] = {
    {"CALL p_lock()", true},
    {"CALL shop.P_LOCK", true},
    {"CALL `p_lock`()", true},
    {"CALL p_other()", false},
    {"CALL sys.execute_prepared_stmt('SET ROLE a')", true},
    {"CALL p_other('p_lock')", false},
    {"SELECT f_lock()", true},
    {"SELECT * FROM v_lock", true}, /* as views that leave something are not proven either */
    {"INSERT INTO t_lock VALUES (1)", true},
    {"DELETE o FROM other o JOIN t_lock USING (a)", true},
    {"LOAD DATA INFILE 'x' INTO TABLE t_lock", true},
    {"CREATE TABLE t AS SELECT f_lock()", true},
    {"DO f_lock()", true},
    {"SET @a = f_lock()", true},
    {"SELECT * FROM t_lock", false}, /* triggers don't fire */
    {"SHOW CREATE PROCEDURE p_lock", false},
    {"DROP PROCEDURE p_lock", false},
    {"CREATE OR REPLACE PROCEDURE p_lock() SELECT 1", false},
    {"CREATE OR REPLACE VIEW v_lock AS SELECT f_lock()", false},
    {"GRANT EXECUTE ON PROCEDURE p_lock TO a", false},
    {"ALTER TABLE t_lock ADD a INT", false},
    {"EXECUTE s", true},
    {"EXECUTE IMMEDIATE @a", true},
    {"PREPARE s FROM @a", false},
    {"BEGIN NOT ATOMIC SET ROLE a; END", true},
};

static void who_mentions_what_leaves_something(void **state)
{
    static const char *const names[] = {"f_lock", "p_lock", "t_lock", "v_lock"}, *const views[] = {"v_lock"};
    static const struct sql_names leaving = {names, 4}, unsafe = {views, 1};
    static const struct sql_options options = {
        .mariadb = true, .version = 101119, .leaving = &leaving, .unsafe_tables = &unsafe};
    (void)state;
    for (size_t i = 0; i < sizeof(mentioning) / sizeof(mentioning[0]); i++) {
        struct sql_facts facts = read_one(mentioning[i].text, &options);
        bool leaves = facts.effects & SQL_LEAVES_UNKNOWN;
        if (leaves != mentioning[i].leaves)
            fail_msg("%s: leaves %d", mentioning[i].text, leaves);
        if (leaves && facts.reason == SQL_REASON_READ)
            fail_msg("%s: leaves something, and is a read", mentioning[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_are_defined),
        cmocka_unit_test(names_in_bodies),
        cmocka_unit_test(quotes_are_those_of_the_bodys_mode),
        cmocka_unit_test(who_mentions_what_leaves_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
