<?php
/*
 * mysqli.php - mysqli over mysqlnd: text, prepared statements with cursors, change user.
 */
if (in_array('--version', $argv)) {
    exit(extension_loaded('mysqli') ? PHP_VERSION . "\n" : 1);
}
require __DIR__ . '/checks.php';
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);

function connect(array $with = []): mysqli
{
    $db = mysqli_init();
    $db->options(MYSQLI_OPT_LOCAL_INFILE, 1);
    if (isset($with['ca']))
        $db->ssl_set(null, null, $with['ca'], null, null);
    $db->real_connect(getenv('DRIVER_HOST'), getenv('DRIVER_USER'), $with['password'] ?? getenv('DRIVER_PASSWORD'),
        $with['schema'] ?? getenv('DRIVER_SCHEMA'), (int)getenv('DRIVER_PORT'), null, $with['flags'] ?? 0);
    $db->set_charset('utf8mb4');
    return $db;
}

function value(mysqli $db, string $sql, ?array $arguments = null)
{
    return ($arguments === null ? $db->query($sql) : $db->execute_query($sql, $arguments))->fetch_row()[0];
}

function code_of(callable $run): int
{
    try {
        $run();
    } catch (mysqli_sql_exception $error) {
        return $error->getCode();
    }
    return 0;
}

function prepared(mysqli $db, string $sql, array $arguments = []): mysqli_stmt
{
    $statement = $db->prepare($sql);
    $statement->execute($arguments ?: null);
    return $statement;
}

function connects(): void
{
    $db = connect();
    equal(getenv('DRIVER_SCHEMA'), value($db, 'SELECT DATABASE()'));
    equal((string)$db->thread_id, value($db, 'SELECT CONNECTION_ID()'));
    equal(true, @$db->ping());
    equal('utf8mb4', value($db, 'SELECT @@character_set_client'));
}

function errors(): void
{
    $db = connect();
    equal(1064, code_of(fn() => $db->query('SELEC 1')));
    equal(1064, code_of(fn() => $db->prepare('SELEC ?')));
    equal(1146, code_of(fn() => $db->prepare('SELECT * FROM no_such_table')));
    equal('42S02', $db->sqlstate);
    $db->query("INSERT INTO items (name) VALUES ('once')");
    $insert = $db->prepare('INSERT INTO items (name) VALUES (?)');
    equal(1062, code_of(fn() => $insert->execute(['once'])));
    $insert->execute(['twice']);
    equal('1', value($db, 'SELECT 1'));
}

function all_kinds(bool $prepared): void
{
    $db = connect();
    $db->query("SET time_zone = '+00:00'");
    $sql = 'SELECT * FROM kinds ORDER BY id';
    check_kinds(($prepared ? prepared($db, $sql)->get_result() : $db->query($sql))->fetch_all());
}

/* What goes in as parameters comes out the same. */
function parameters_back(): void
{
    $db = connect();
    $columns = array_column(kinds(), 0);
    $row = $db->query('SELECT * FROM kinds WHERE id = 2')->fetch_row();
    $bits = array_search('bits', $columns);
    array_shift($row);
    $insert = $db->prepare('INSERT INTO kinds (id, ' . implode(',', $columns) . ') VALUES (?' . str_repeat(', ?', count($columns)) . ')');
    $row[$bits] = (int)$row[$bits];
    $types = str_repeat('s', count($columns) + 1);
    $types[$bits + 1] = 'i';
    $insert->bind_param($types, ...[10, ...$row]);
    $insert->execute();
    $insert->bind_param($types, ...[11, ...array_fill(0, count($columns), null)]);
    $insert->execute();
    $rows = prepared($db, 'SELECT * FROM kinds WHERE id IN (1, 10, 11) ORDER BY id')->get_result()->fetch_all();
    $db->query('DELETE FROM kinds WHERE id > 3');
    check_kinds($rows);
}

function blobs(bool $prepared, int $megabytes): void
{
    $db = connect();
    $content = blob($megabytes);
    if ($prepared) {
        $insert = $db->prepare('REPLACE INTO blobs VALUES (?, ?)');
        $insert->bind_param('ib', $megabytes, $none);
        foreach (str_split($content, 5000000) as $part)
            $insert->send_long_data(1, $part);
        $insert->execute();
        $back = prepared($db, 'SELECT content FROM blobs WHERE id = ?', [$megabytes])->get_result()->fetch_row()[0];
    } else {
        $db->query("REPLACE INTO blobs VALUES ($megabytes, _binary'" . $db->real_escape_string($content) . "')");
        $back = value($db, "SELECT content FROM blobs WHERE id = $megabytes");
    }
    equal(md5($content), md5($back));
}

function emoji(): void
{
    $db = connect();
    prepared($db, 'INSERT INTO items (name) VALUES (?)', ['😀 grüße']);
    equal('😀 grüße', value($db, "SELECT name FROM items WHERE name = '😀 grüße'"));
    equal('😀 grüße', value($db, 'SELECT name FROM items WHERE name = ?', ['😀 grüße']));
}

function rest_of(mysqli $db): array
{
    $found = [];
    do {
        $result = $db->store_result();
        $found[] = $result ? $result->fetch_all() : $db->affected_rows;
    } while ($db->more_results() && $db->next_result());
    return $found;
}

function multi_results(): void
{
    $db = connect();
    $db->multi_query("SELECT 1; INSERT INTO items (name) VALUES ('multi'); SELECT 'b', 'c'");
    equal([[['1']], 1, [['b', 'c']]], rest_of($db));
    $db->multi_query('SELECT 1; SELEC 2');
    equal(1064, code_of(fn() => rest_of($db)));
    equal('1', value($db, 'SELECT 1'));
}

function call(bool $prepared): void
{
    $db = connect();
    if (!$prepared) {
        $db->multi_query('CALL two_results(5)');
        equal([[['5']], [['6', 'two']], 0], rest_of($db));
        return;
    }
    $statement = prepared($db, 'CALL two_results(?)', [5]);
    $found = [$statement->get_result()->fetch_all()];
    while ($statement->next_result())
        $found[] = ($result = $statement->get_result()) ? $result->fetch_all() : false;
    equal([[[5]], [[6, 'two']], false], $found);
    equal(1, $db->query('SELECT 1')->num_rows);
}

function out_parameters(): void
{
    $db = connect();
    $db->query("SET @text = 'x'");
    $db->query('CALL out_parameters(21, @doubled, @text)');
    equal(['42', 'x was given'], $db->query('SELECT @doubled, @text')->fetch_row());
}

function many_parameters(): void
{
    $db = connect();
    equal(range(0, 199), array_map('intval', prepared($db, 'SELECT ?' . str_repeat(', ?', 199), range(0, 199))->get_result()->fetch_row()));
}

function unbuffered(): void
{
    $db = connect();
    $result = $db->query('SELECT n, filler FROM numbers ORDER BY n', MYSQLI_USE_RESULT);
    equal(['1', str_repeat('n', 200)], $result->fetch_row());
    equal(range(2, 5000), array_map(fn($row) => (int)$row[0], $result->fetch_all()));
    $result->free();
    equal('5000', value($db, 'SELECT COUNT(*) FROM numbers'));
}

/* Rows by COM_STMT_FETCH, two cursors open at once, others' statements between. */
function cursor(): void
{
    $db = connect();
    $cursors = [];
    foreach ([5, 2] as $each) {
        $statement = $db->prepare('SELECT n FROM numbers WHERE n > ? ORDER BY n LIMIT 500');
        $statement->attr_set(MYSQLI_STMT_ATTR_CURSOR_TYPE, MYSQLI_CURSOR_TYPE_READ_ONLY);
        $from = 100 * $each;
        $statement->bind_param('i', $from);
        $statement->execute();
        $cursors[] = [$statement, $from];
    }
    foreach (range(1, 500) as $row)
        foreach ($cursors as [$statement, $from]) {
            $statement->bind_result($n);
            equal(true, $statement->fetch());
            equal($from + $row, $n);
            if ($row % 100 === 0)
                equal((string)$row, value($db, "SELECT $row"));
        }
    $cursors[0][0]->reset();
    $cursors[1][0]->close();
    equal('1', value($db, 'SELECT 1'));
}

function load_data(): void
{
    $db = connect();
    $path = file_to_load();
    $db->query("LOAD DATA LOCAL INFILE '$path' INTO TABLE loaded CHARACTER SET utf8mb4");
    equal(20000, $db->affected_rows);
    equal(['20000', 'name 19999 😀'], $db->query('SELECT (SELECT COUNT(*) FROM loaded), name FROM loaded WHERE id = 19999')->fetch_row());
    equal(true, code_of(fn() => @$db->query("LOAD DATA LOCAL INFILE '$path.absent' INTO TABLE loaded")) !== 0);
}

function transaction(): void
{
    $db = connect();
    $insert = $db->prepare('INSERT INTO items (name) VALUES (?)');
    $db->begin_transaction();
    $insert->execute(['tx 1']);
    $db->savepoint('here');
    $insert->execute(['tx 2']);
    $db->query('ROLLBACK TO SAVEPOINT here');
    $db->commit();
    $db->autocommit(false);
    $insert->execute(['tx 3']);
    $db->rollback();
    $db->autocommit(true);
    equal([['tx 1']], $db->query("SELECT name FROM items WHERE name LIKE 'tx %'")->fetch_all());
}

function read_only_transaction(): void
{
    $db = connect();
    $db->begin_transaction(MYSQLI_TRANS_START_READ_ONLY);
    equal(1792, code_of(fn() => prepared($db, 'INSERT INTO items (name) VALUES (?)', ['tx 4'])));
    $db->commit();
}

function ids_and_rows(): void
{
    $db = connect();
    $db->query('DELETE FROM items');
    $db->query('ALTER TABLE items AUTO_INCREMENT = 1000');
    $db->query("INSERT INTO items (name, amount) VALUES ('a', 1), ('b', 1)");
    equal([1000, 2], [$db->insert_id, $db->affected_rows]);
    $insert = prepared($db, 'INSERT INTO items (name, amount) VALUES (?, ?)', ['c', 3]);
    equal([1002, 1], [$insert->insert_id, $insert->affected_rows]);
    equal('1002', value($db, 'SELECT LAST_INSERT_ID()'));
    $update = prepared($db, 'UPDATE items SET amount = ?', [1]);
    equal([1, 'Rows matched: 3  Changed: 1  Warnings: 0'], [$update->affected_rows, $db->info]);
    $db = connect(['flags' => MYSQLI_CLIENT_FOUND_ROWS]);
    $db->query('UPDATE items SET amount = 1');
    equal(3, $db->affected_rows);
}

function warnings(): void
{
    $db = connect();
    $db->query("SET SESSION sql_mode = ''");
    $db->query("INSERT INTO items (name, amount) VALUES ('warned', 'abc')");
    equal([1, 1366], [$db->warning_count, $db->get_warnings()->errno]);
    $insert = prepared($db, 'INSERT INTO items (name, amount) VALUES (?, ?)', ['warned too', 'abc']);
    equal([1, 1366], [$db->warning_count, $insert->get_warnings()->errno]);
}

function change_user(): void
{
    $db = connect();
    $db->query('SET @a = 1');
    $statement = $db->prepare('SELECT ?');
    $db->change_user(getenv('DRIVER_OTHER_USER'), getenv('DRIVER_OTHER_PASSWORD'), getenv('DRIVER_SCHEMA'));
    equal([null, getenv('DRIVER_OTHER_USER')], $db->query("SELECT @a, SUBSTRING_INDEX(CURRENT_USER(), '@', 1)")->fetch_row());
    equal(1243, code_of(fn() => $statement->execute(['x'])));
    equal(5, (int)value($db, 'SELECT ? + 0', [5]));
    equal(1045, code_of(fn() => $db->change_user(getenv('DRIVER_USER'), 'wrong', getenv('DRIVER_SCHEMA'))));
}

function killed(bool $by_command): void
{
    $victim = connect();
    $other = connect();
    $statement = $victim->prepare('SELECT 1');
    $by_command ? $other->kill($victim->thread_id) : $other->query("KILL $victim->thread_id");
    $end = microtime(true) + 10;
    while (!($code = code_of(fn() => @$statement->execute())) && microtime(true) < $end);
    equal(true, in_array($code, [2006, 2013, 1927], true));
}

function compression(): void
{
    $db = connect(['flags' => MYSQLI_CLIENT_COMPRESS]);
    equal(str_repeat('x', 3000000), value($db, "SELECT REPEAT('x', 3000000)"));
    equal(200000, value($db, 'SELECT LENGTH(?)', [str_repeat('y', 200000)]));
}

function tls(): void
{
    $db = connect(['flags' => MYSQLI_CLIENT_SSL, 'ca' => getenv('DRIVER_CA')]);
    equal('1', value($db, 'SELECT 1'));
}

check('connect', 'connects');
check('wrong password', fn() => equal(1045, code_of(fn() => connect(['password' => 'wrong']))));
check('unknown database', fn() => equal(1049, code_of(fn() => connect(['schema' => 'driver_gone']))));
check('errors', 'errors');
foreach (['text' => false, 'prepared' => true] as $form => $prepared) {
    check("kinds $form", fn() => all_kinds($prepared));
    foreach ([1, 17, 40] as $megabytes)
        check("blob $form $megabytes MB", fn() => blobs($prepared, $megabytes));
    check("call $form", fn() => call($prepared));
}
check('parameters come back', 'parameters_back');
check('emoji', 'emoji');
check('multi results', 'multi_results');
check('out parameters', 'out_parameters');
check('200 parameters prepared', 'many_parameters');
check('unbuffered', 'unbuffered');
check('cursor', 'cursor');
check('load data local', 'load_data');
check('transaction', 'transaction');
check('read-only transaction', 'read_only_transaction');
check('insert ids and affected rows', 'ids_and_rows');
check('warnings', 'warnings');
check('change user', 'change_user');
check('kill', fn() => killed(false));
check('kill by its command', fn() => killed(true));
check('compression', 'compression');
check('tls', 'tls');
check('reads text', fn() => reads_on_readers(fn() => value(connect(), 'SELECT @@server_id')));
check('reads prepared', fn() => reads_on_readers(fn() => value(connect(), 'SELECT @@server_id WHERE ?', [1])));
finish();
