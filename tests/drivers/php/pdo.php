<?php
/*
 * pdo.php - PDO: statements emulated by text, its default, and prepared on the server.
 */
if (in_array('--version', $argv)) {
    exit(extension_loaded('pdo_mysql') ? PHP_VERSION . "\n" : 1);
}
require __DIR__ . '/checks.php';

function connect(array $options = [], ?string $password = null, ?string $schema = null): PDO
{
    $address = 'mysql:host=' . getenv('DRIVER_HOST') . ';port=' . getenv('DRIVER_PORT') . ';charset=utf8mb4;dbname=' . ($schema ?? getenv('DRIVER_SCHEMA'));
    return new PDO($address, getenv('DRIVER_USER'), $password ?? getenv('DRIVER_PASSWORD'),
        $options + [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::MYSQL_ATTR_LOCAL_INFILE => true]);
}

function form(bool $prepared, array $options = []): PDO
{
    return connect([PDO::ATTR_EMULATE_PREPARES => !$prepared] + $options);
}

function run(PDO $db, string $sql, array $arguments = []): PDOStatement
{
    $statement = $db->prepare($sql);
    $statement->execute($arguments);
    return $statement;
}

function value(PDO $db, string $sql, array $arguments = [])
{
    return run($db, $sql, $arguments)->fetchColumn();
}

function code_of(callable $run): int
{
    try {
        $run();
    } catch (PDOException $error) {
        return $error->errorInfo[1];
    }
    return 0;
}

function errors(bool $prepared): void
{
    $db = form($prepared);
    $name = "once $prepared";
    equal(1064, code_of(fn() => run($db, 'SELEC 1')));
    equal(1146, code_of(fn() => run($db, 'SELECT * FROM no_such_table')));
    run($db, 'INSERT INTO items (name) VALUES (?)', [$name]);
    equal(1062, code_of(fn() => run($db, 'INSERT INTO items (name) VALUES (?)', [$name])));
    equal('1', (string)value($db, 'SELECT 1'));
}

function all_kinds(bool $prepared): void
{
    $db = form($prepared);
    $db->exec("SET time_zone = '+00:00'");
    check_kinds(run($db, 'SELECT * FROM kinds ORDER BY id')->fetchAll(PDO::FETCH_NUM));
}

function blobs(bool $prepared, int $megabytes): void
{
    $db = form($prepared);
    $content = blob($megabytes);
    $insert = $db->prepare('REPLACE INTO blobs VALUES (?, ?)');
    $insert->bindValue(1, $megabytes, PDO::PARAM_INT);
    $insert->bindValue(2, $content, PDO::PARAM_LOB);
    $insert->execute();
    equal(md5($content), md5(value($db, 'SELECT content FROM blobs WHERE id = ?', [$megabytes])));
}

function emoji(bool $prepared): void
{
    $db = form($prepared);
    $name = "😀 grüße $prepared";
    run($db, 'INSERT INTO items (name) VALUES (?)', [$name]);
    equal($name, value($db, 'SELECT name FROM items WHERE name = ?', [$name]));
}

function results(PDOStatement $statement): array
{
    $found = [];
    do
        $found[] = $statement->columnCount() ? $statement->fetchAll(PDO::FETCH_NUM) : $statement->rowCount();
    while ($statement->nextRowset());
    return $found;
}

function multi_results(): void
{
    $db = connect();
    equal([[[1]], 1, [['b', 'c']]], results($db->query("SELECT 1; INSERT INTO items (name) VALUES ('multi'); SELECT 'b', 'c'")));
    equal('1', (string)value($db, 'SELECT 1'));
}

function call(bool $prepared): void
{
    $db = form($prepared);
    equal([[[5]], [[6, 'two']]], array_values(array_filter(results(run($db, 'CALL two_results(?)', [5])))));
    equal('1', (string)value($db, 'SELECT 1'));
}

function out_parameters(): void
{
    $db = connect();
    $db->exec("SET @text = 'x'");
    $db->exec('CALL out_parameters(21, @doubled, @text)');
    equal(['42', 'x was given'], array_map('strval', $db->query('SELECT @doubled, @text')->fetch(PDO::FETCH_NUM)));
}

function many_parameters(bool $prepared): void
{
    $row = run(form($prepared), 'SELECT ?' . str_repeat(', ?', 199), range(0, 199))->fetch(PDO::FETCH_NUM);
    equal(range(0, 199), array_map('intval', $row));
}

function unbuffered(bool $prepared): void
{
    $db = form($prepared, [PDO::MYSQL_ATTR_USE_BUFFERED_QUERY => false]);
    $statement = run($db, 'SELECT n FROM numbers ORDER BY n');
    equal(1, (int)$statement->fetchColumn());
    equal(2, (int)$statement->fetchColumn());
    $statement->closeCursor();
    equal(range(1, 5000), array_map('intval', run($db, 'SELECT n FROM numbers ORDER BY n')->fetchAll(PDO::FETCH_COLUMN)));
}

function load_data(): void
{
    $db = connect();
    $path = file_to_load();
    equal(20000, $db->exec("LOAD DATA LOCAL INFILE '$path' INTO TABLE loaded CHARACTER SET utf8mb4"));
    equal('name 19999 😀', value($db, 'SELECT name FROM loaded WHERE id = 19999'));
}

function transaction(bool $prepared): void
{
    $db = form($prepared);
    $db->exec("DELETE FROM items WHERE name LIKE 'tx %'");
    $insert = $db->prepare('INSERT INTO items (name) VALUES (?)');
    $db->beginTransaction();
    $insert->execute(['tx 1']);
    $db->exec('SAVEPOINT here');
    $insert->execute(['tx 2']);
    $db->exec('ROLLBACK TO SAVEPOINT here');
    equal(true, $db->inTransaction());
    $db->commit();
    $db->beginTransaction();
    $insert->execute(['tx 3']);
    $db->rollBack();
    equal(['tx 1'], run($db, "SELECT name FROM items WHERE name LIKE 'tx %'")->fetchAll(PDO::FETCH_COLUMN));
}

function ids_and_rows(bool $prepared): void
{
    $db = form($prepared);
    $db->exec('DELETE FROM items');
    $db->exec('ALTER TABLE items AUTO_INCREMENT = ' . ($prepared ? 1000 : 500));
    $first = (int)value($db, 'SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_NAME = ? AND TABLE_SCHEMA = DATABASE()', ['items']);
    equal(2, run($db, "INSERT INTO items (name, amount) VALUES (?, 1), (?, 2)", ['a', 'b'])->rowCount());
    equal((string)$first, $db->lastInsertId());
    equal((string)$first, (string)value($db, 'SELECT LAST_INSERT_ID()'));
    equal(1, run($db, 'UPDATE items SET amount = ?', [1])->rowCount());
    equal(2, run(form($prepared, [PDO::MYSQL_ATTR_FOUND_ROWS => true]), 'UPDATE items SET amount = ?', [1])->rowCount());
}

function warnings(): void
{
    $db = connect();
    $db->exec("SET SESSION sql_mode = ''");
    $db->exec("INSERT INTO items (name, amount) VALUES ('warned', 'abc')");
    equal('1366', (string)$db->query('SHOW WARNINGS')->fetch(PDO::FETCH_NUM)[1]);
}

function killed(): void
{
    $victim = connect();
    $other = connect();
    $other->exec('KILL ' . value($victim, 'SELECT CONNECTION_ID()'));
    $end = microtime(true) + 10;
    while (!($code = code_of(fn() => @$victim->query('SELECT 1'))) && microtime(true) < $end);
    equal(true, in_array($code, [2006, 2013, 1927], true));
}

/* A persistent connection is asked whether it is alive, not reset: what it had, it has. */
function persistent(): void
{
    $id = value(connect([PDO::ATTR_PERSISTENT => true]), 'SELECT CONNECTION_ID()');
    equal($id, value(connect([PDO::ATTR_PERSISTENT => true]), 'SELECT CONNECTION_ID()'));
}

function compression(): void
{
    $db = connect([PDO::MYSQL_ATTR_COMPRESS => true]);
    equal(str_repeat('x', 3000000), value($db, "SELECT REPEAT('x', 3000000)"));
}

function tls(): void
{
    $db = connect([PDO::MYSQL_ATTR_SSL_CA => getenv('DRIVER_CA')]);
    equal('1', (string)value($db, 'SELECT 1'));
}

check('connect', fn() => equal(getenv('DRIVER_SCHEMA'), value(connect(), 'SELECT DATABASE()')));
check('wrong password', fn() => equal(1045, code_of(fn() => connect([], 'wrong'))));
check('unknown database', fn() => equal(1049, code_of(fn() => connect([], null, 'driver_gone'))));
foreach (['text' => false, 'prepared' => true] as $form => $prepared) {
    check("errors $form", fn() => errors($prepared));
    check("kinds $form", fn() => all_kinds($prepared));
    foreach ([1, 17, 40] as $megabytes)
        check("blob $form $megabytes MB", fn() => blobs($prepared, $megabytes));
    check("emoji $form", fn() => emoji($prepared));
    check("call $form", fn() => call($prepared));
    check("200 parameters $form", fn() => many_parameters($prepared));
    check("unbuffered $form", fn() => unbuffered($prepared));
    check("transaction $form", fn() => transaction($prepared));
    check("insert ids and affected rows $form", fn() => ids_and_rows($prepared));
    check("reads $form", fn() => reads_on_readers(fn() => value(form($prepared), 'SELECT @@server_id WHERE ?', [1])));
}
check('multi results', 'multi_results');
check('out parameters', 'out_parameters');
check('load data local', 'load_data');
check('warnings', 'warnings');
check('persistent', 'persistent');
check('kill', 'killed');
check('compression', 'compression');
check('tls', 'tls');
finish();
