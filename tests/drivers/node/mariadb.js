/*
 * mariadb.js - MariaDB's own driver for Node: `query` is text, `execute` prepared, `batch` sends many at once.
 */
'use strict';
const fs = require('fs');
const mariadb = require('mariadb');
if (process.argv.includes('--version')) {
    console.log(mariadb.version);
    process.exit(0);
}
const { equal, check, codeOf, checkKinds, blob, digest, fileToLoad, readsOnReaders, until, finish } = require('./checks');

async function connect(more = {}) {
    const env = process.env;
    const db = await mariadb.createConnection({
        host: env.DRIVER_HOST, port: Number(env.DRIVER_PORT), user: env.DRIVER_USER, password: env.DRIVER_PASSWORD,
        database: env.DRIVER_SCHEMA, bigNumberStrings: true, supportBigNumbers: true, dateStrings: true, jsonStrings: true,
        autoJsonMap: false, bitOneIsBoolean: false, decimalAsNumber: false, permitLocalInfile: true, connectTimeout: 10000,
        foundRows: false, multipleStatements: true, ...more,
    });
    db.on('error', () => {}); // of connections that are killed
    return db;
}
const value = async (db, form, sql, values) => Object.values((await db[form](sql, values))[0])[0];

async function connects() {
    const db = await connect();
    equal(process.env.DRIVER_SCHEMA, await value(db, 'query', 'SELECT DATABASE()'));
    equal(String(db.threadId), String(await value(db, 'query', 'SELECT CONNECTION_ID()')));
    await db.ping();
    await db.end();
}

async function errors() {
    const db = await connect();
    equal(1064, await codeOf(() => db.query('SELEC 1')));
    equal(1064, await codeOf(() => db.execute('SELEC ?', [1])));
    equal(1146, await codeOf(() => db.execute('SELECT * FROM no_such_table')));
    await db.execute('INSERT INTO items (name) VALUES (?)', ['once']);
    equal(1062, await codeOf(() => db.execute('INSERT INTO items (name) VALUES (?)', ['once'])));
    equal(1, await value(db, 'query', 'SELECT 1'));
}

/* POINT becomes an object of GeoJSON, and SET an array in one of the forms. */
async function allKinds(form) {
    const db = await connect();
    await db.query("SET time_zone = '+00:00'");
    const rows = await db[form]('SELECT * FROM kinds ORDER BY id');
    checkKinds([...rows], ['place']);
    equal([1, 2], rows[0].place.coordinates);
}

async function blobs(form, megabytes) {
    const db = await connect({ maxAllowedPacket: 64 << 20 });
    const content = blob(megabytes);
    await db[form]('REPLACE INTO blobs VALUES (?, ?)', [megabytes, content]);
    equal(digest(content), digest(await value(db, form, 'SELECT content FROM blobs WHERE id = ?', [megabytes])));
}

async function emoji(form) {
    const db = await connect();
    const text = `😀 grüße ${form}`;
    await db[form]('INSERT INTO items (name) VALUES (?)', [text]);
    equal(text, await value(db, form, 'SELECT name FROM items WHERE name = ?', [text]));
}

async function multiResults() {
    const db = await connect({ rowsAsArray: true });
    const found = await db.query("SELECT 1; INSERT INTO items (name) VALUES ('multi'); SELECT 'b', 'c'");
    equal([[[1]], 1, [['b', 'c']]], [[...found[0]], found[1].affectedRows, [...found[2]]]);
    equal(1064, await codeOf(() => db.query('SELECT 1; SELEC 2')));
    equal([[1]], [...await db.query('SELECT 1')]);
}

async function call(form) {
    const db = await connect({ rowsAsArray: true });
    const found = await db[form]('CALL two_results(?)', [5]);
    equal([[['5']], [['6', 'two']]], [found[0], found[1]].map((rows) => rows.map((row) => row.map(String))));
    await db.query("SET @text = 'x'");
    await db[form]('CALL out_parameters(?, @doubled, @text)', [21]);
    equal([[42, 'x was given']], (await db[form]('SELECT @doubled, @text')).map((row) => row.map((it) => Number(it) || it)));
}

async function manyParameters(form) {
    const numbers = Array.from({ length: 200 }, (_, n) => n);
    const db = await connect({ rowsAsArray: true });
    equal(numbers, (await db[form](`SELECT ${numbers.map(() => '?').join(',')}`, numbers))[0].map(Number));
}

/* One bulk command, if the server has it; else many, sent without waiting. */
async function batch() {
    const db = await connect();
    const names = Array.from({ length: 500 }, (_, n) => [`batch ${n}`, n]);
    await db.batch('INSERT INTO items (name, amount) VALUES (?, ?)', names);
    equal(500, Number(await value(db, 'query', "SELECT COUNT(*) FROM items WHERE name LIKE 'batch %'")));
    await db.beginTransaction();
    await db.batch('UPDATE items SET amount = ? WHERE name = ?', names.map(([name]) => [7, name]));
    await db.commit();
    equal(500, Number(await value(db, 'execute', 'SELECT COUNT(*) FROM items WHERE amount = ?', [7])));
}

/* Where the server has no bulk command, there is an answer a row. */
async function bulk() {
    const db = await connect();
    const rows = Array.from({ length: 5 }, (_, n) => [`bulk ${n}`, n]);
    equal(5, (await db.batch('INSERT INTO items (name, amount) VALUES (?, ?)', rows)).affectedRows);
}

/* Sent without waiting for the answers (`pipelining`, the default). */
async function pipelined() {
    const db = await connect();
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => value(db, n % 2 ? 'query' : 'execute', `SELECT ${n % 100}`)));
    equal(Array.from({ length: 200 }, (_, n) => n % 100), answers.map(Number));
    const errors = await Promise.all(Array.from({ length: 20 }, (_, n) => codeOf(() => db.query(n % 2 ? 'SELEC' : 'SELECT 1'))));
    equal(Array.from({ length: 20 }, (_, n) => (n % 2 ? 1064 : 0)), errors);
}

async function unbuffered() {
    const db = await connect();
    const seen = [];
    for await (const row of db.queryStream('SELECT n, filler FROM numbers ORDER BY n'))
        seen.push(row.n);
    equal(Array.from({ length: 5000 }, (_, n) => n + 1), seen);
    const statement = await db.prepare('SELECT n FROM numbers WHERE n > ? ORDER BY n');
    const rest = [];
    for await (const row of statement.executeStream([4000]))
        rest.push(row.n);
    statement.close();
    equal(1000, rest.length);
}

async function loadData() {
    const db = await connect();
    const path = fileToLoad();
    equal(20000, (await db.query(`LOAD DATA LOCAL INFILE '${path}' INTO TABLE loaded CHARACTER SET utf8mb4`)).affectedRows);
    equal('name 19999 😀', await value(db, 'query', 'SELECT name FROM loaded WHERE id = 19999'));
}

async function transaction(form) {
    const db = await connect({ rowsAsArray: true });
    const insert = (name) => db[form]('INSERT INTO items (name) VALUES (?)', [name]);
    await db.query("DELETE FROM items WHERE name LIKE 'tx %'");
    await db.beginTransaction();
    await insert('tx 1');
    await db.query('SAVEPOINT here');
    await insert('tx 2');
    await db.query('ROLLBACK TO SAVEPOINT here');
    await db.commit();
    await db.beginTransaction();
    await insert('tx 3');
    await db.rollback();
    equal([['tx 1']], [...await db[form]("SELECT name FROM items WHERE name LIKE 'tx %'")]);
}

async function idsAndRows(form) {
    const db = await connect();
    await db.query('DELETE FROM items');
    const first = form === 'query' ? 1000 : 2000;
    await db.query(`ALTER TABLE items AUTO_INCREMENT = ${first}`);
    const inserted = await db[form]('INSERT INTO items (name, amount) VALUES (?, 1), (?, 2)', ['a', 'b']);
    equal([first, 2], [Number(inserted.insertId), inserted.affectedRows]);
    equal(first, Number(await value(db, form, 'SELECT LAST_INSERT_ID()')));
    equal(1, (await db[form]('UPDATE items SET amount = ?', [1])).affectedRows);
    const returned = await db[form]('INSERT INTO items (name) VALUES (?) RETURNING name', ['back']);
    equal('back', returned[0].name);
}

async function warnings(form) {
    const db = await connect();
    await db.query("SET SESSION sql_mode = ''");
    equal(1, (await db[form]('INSERT INTO items (name, amount) VALUES (?, ?)', [`warned ${form}`, 'abc'])).warningStatus);
    equal(1366, (await db.query('SHOW WARNINGS'))[0].Code);
}

async function changeUser() {
    const db = await connect();
    await db.execute('SELECT ?', [1]);
    await db.query('SET @a = 1');
    await db.changeUser({ user: process.env.DRIVER_OTHER_USER, password: process.env.DRIVER_OTHER_PASSWORD, database: process.env.DRIVER_SCHEMA });
    const row = (await db.query("SELECT @a AS a, SUBSTRING_INDEX(CURRENT_USER(), '@', 1) AS user"))[0];
    equal([null, process.env.DRIVER_OTHER_USER], [row.a, row.user]);
    equal(2, Number(await value(db, 'execute', 'SELECT ? + 1', [1])));
}

async function resetConnection() {
    const db = await connect();
    await db.query('SET @a = 1');
    equal(2, Number(await value(db, 'execute', 'SELECT ? + 1', [1])));
    await db.reset();
    equal(null, await value(db, 'query', 'SELECT @a'));
    equal(2, Number(await value(db, 'execute', 'SELECT ? + 1', [1])));
}

/* Its pool resets what it gets back, and asks whether it is alive. */
async function pool() {
    const env = process.env;
    const all = mariadb.createPool({ host: env.DRIVER_HOST, port: Number(env.DRIVER_PORT), user: env.DRIVER_USER,
                                     password: env.DRIVER_PASSWORD, database: env.DRIVER_SCHEMA, connectionLimit: 3, resetAfterUse: true });
    const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => all.query('SELECT ? AS n', [n])));
    equal(Array.from({ length: 60 }, (_, n) => n), answers.map((rows) => Number(rows[0].n)));
    await all.end();
}

async function kill() {
    const other = await connect();
    const victim = await connect();
    await other.query(`KILL ${victim.threadId}`);
    equal(true, Boolean(await until(() => codeOf(() => victim.query('SELECT 1')))));
    const sleeper = await connect();
    await sleeper.query("INSERT IGNORE INTO items (name) VALUES ('to sleep on')");
    let met;
    sleeper.query('SELECT SLEEP(20) FROM items LIMIT 1').then(() => { met = 'answered'; }, (error) => { met = error.errno; });
    await until(async () => { await other.query(`KILL QUERY ${sleeper.threadId}`); return met; });
    equal(true, met === 1317 || met === 'answered');
    equal(1, await value(sleeper, 'query', 'SELECT 1'));
}

async function compression() {
    const db = await connect({ compress: true });
    equal(3000000, (await value(db, 'query', "SELECT REPEAT('x', 3000000)")).length);
    equal(200000, Number(await value(db, 'execute', 'SELECT LENGTH(?)', ['y'.repeat(200000)])));
}

async function tls() {
    const db = await connect({ ssl: { ca: fs.readFileSync(process.env.DRIVER_CA), checkServerIdentity: () => undefined } });
    equal(1, await value(db, 'query', 'SELECT 1'));
}

async function serverId(form) {
    const db = await connect();
    const id = await value(db, form, 'SELECT @@server_id WHERE ?', [1]);
    await db.end();
    return id;
}

async function main() {
    await check('connect', connects);
    await check('wrong password', async () => equal(1045, await codeOf(() => connect({ password: 'wrong' }))));
    await check('unknown database', async () => equal(1049, await codeOf(() => connect({ database: 'driver_gone' }))));
    await check('errors', errors);
    for (const [words, form] of [['text', 'query'], ['prepared', 'execute']]) {
        await check(`kinds ${words}`, () => allKinds(form));
        for (const megabytes of [1, 17, 40])
            await check(`blob ${words} ${megabytes} MB`, () => blobs(form, megabytes));
        await check(`emoji ${words}`, () => emoji(form));
        await check(`call and out parameters ${words}`, () => call(form));
        await check(`200 parameters ${words}`, () => manyParameters(form));
        await check(`transaction ${words}`, () => transaction(form));
        await check(`insert ids and affected rows ${words}`, () => idsAndRows(form));
        await check(`warnings ${words}`, () => warnings(form));
        await check(`reads ${words}`, () => readsOnReaders(() => serverId(form)));
    }
    await check('multi results', multiResults);
    await check('batch', batch);
    await check('batch in one command', bulk);
    await check('pipelined', pipelined);
    await check('unbuffered', unbuffered);
    await check('load data local', loadData);
    await check('change user', changeUser);
    await check('reset connection', resetConnection);
    await check('pool', pool);
    await check('kill', kill);
    await check('compression', compression);
    await check('tls', tls);
    finish();
}

main();
