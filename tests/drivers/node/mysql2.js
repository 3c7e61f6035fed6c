/*
 * mysql2.js - mysql2: `query` is text, `execute` prepares and keeps what it has prepared.
 */
'use strict';
const fs = require('fs');
const mysql = require('mysql2/promise');
if (process.argv.includes('--version')) {
    console.log(require('mysql2/package.json').version);
    process.exit(0);
}
const { equal, check, codeOf, checkKinds, blob, digest, fileToLoad, readsOnReaders, until, finish } = require('./checks');

async function connect(more = {}) {
    const env = process.env;
    const db = await mysql.createConnection({
        host: env.DRIVER_HOST, port: Number(env.DRIVER_PORT), user: env.DRIVER_USER, password: env.DRIVER_PASSWORD,
        database: env.DRIVER_SCHEMA, charset: 'utf8mb4', supportBigNumbers: true, bigNumberStrings: true, dateStrings: true,
        jsonStrings: true, connectTimeout: 10000, infileStreamFactory: (path) => fs.createReadStream(path), ...more,
    });
    db.connection.on('error', () => {}); // of connections that are killed
    return db;
}
const run = async (db, form, sql, values) => (await db[form](sql, values))[0];
const value = async (db, form, sql, values) => Object.values((await run(db, form, sql, values))[0])[0];

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

/* POINT becomes an object. */
async function allKinds(form) {
    const db = await connect();
    await db.query("SET time_zone = '+00:00'");
    const rows = await run(db, form, 'SELECT * FROM kinds ORDER BY id');
    checkKinds(rows, ['place']);
    equal({ x: 1, y: 2 }, { ...rows[0].place });
}

async function blobs(form, megabytes) {
    const db = await connect();
    const content = blob(megabytes);
    await run(db, form, 'REPLACE INTO blobs VALUES (?, ?)', [megabytes, content]);
    equal(digest(content), digest(await value(db, form, 'SELECT content FROM blobs WHERE id = ?', [megabytes])));
}

async function emoji(form) {
    const db = await connect();
    const text = `😀 grüße ${form}`;
    await run(db, form, 'INSERT INTO items (name) VALUES (?)', [text]);
    equal(text, await value(db, form, 'SELECT name FROM items WHERE name = ?', [text]));
}

async function multiResults() {
    const db = await connect({ multipleStatements: true, rowsAsArray: true });
    const found = await run(db, 'query', "SELECT 1; INSERT INTO items (name) VALUES ('multi'); SELECT 'b', 'c'");
    equal([[[1]], 1, [['b', 'c']]], [found[0], found[1].affectedRows, found[2]]);
    equal(1064, await codeOf(() => db.query('SELECT 1; SELEC 2')));
    equal([[1]], await run(db, 'query', 'SELECT 1'));
}

async function call(form) {
    const db = await connect({ rowsAsArray: true });
    equal([[['5']], [['6', 'two']]], (await run(db, form, 'CALL two_results(?)', [5])).slice(0, 2).map((rows) => rows.map((row) => row.map(String))));
    await db.query("SET @text = 'x'");
    await run(db, form, 'CALL out_parameters(?, @doubled, @text)', [21]);
    equal([[42, 'x was given']], (await run(db, form, 'SELECT @doubled, @text')).map((row) => row.map((it) => Number(it) || it)));
}

async function manyParameters(form) {
    const numbers = Array.from({ length: 200 }, (_, n) => String(n));
    const db = await connect({ rowsAsArray: true });
    equal(numbers, (await run(db, form, `SELECT ${numbers.map(() => '?').join(',')}`, numbers))[0].map(String));
}

/* Many statements prepared at once, of which the driver keeps five. */
async function preparedCache() {
    const db = await connect({ maxPreparedStatements: 5 });
    for (let n = 0; n < 40; n++)
        equal(n % 20, Number(await value(db, 'execute', `SELECT ? + ${n % 20}`, [0])));
    const statement = await db.prepare('SELECT ? + 1');
    equal(3, Number(Object.values((await statement.execute([2]))[0][0])[0]));
    await statement.close();
    equal(1, await value(db, 'query', 'SELECT 1'));
}

/* Commands are sent as they come and answered in turn. */
async function queued() {
    const db = await connect();
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => value(db, n % 2 ? 'query' : 'execute', `SELECT ${n}`)));
    equal(Array.from({ length: 100 }, (_, n) => n), answers.map(Number));
}

async function unbuffered() {
    const db = await connect();
    const seen = [];
    for await (const row of db.connection.query('SELECT n, filler FROM numbers ORDER BY n').stream({ highWaterMark: 5 }))
        seen.push(row.n);
    equal(Array.from({ length: 5000 }, (_, n) => n + 1), seen);
}

async function loadData() {
    const db = await connect();
    const path = fileToLoad();
    equal(20000, (await run(db, 'query', `LOAD DATA LOCAL INFILE '${path}' INTO TABLE loaded CHARACTER SET utf8mb4`)).affectedRows);
    equal('name 19999 😀', await value(db, 'query', 'SELECT name FROM loaded WHERE id = 19999'));
}

async function transaction(form) {
    const db = await connect({ rowsAsArray: true });
    const insert = (name) => run(db, form, 'INSERT INTO items (name) VALUES (?)', [name]);
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
    equal([['tx 1']], await run(db, form, "SELECT name FROM items WHERE name LIKE 'tx %'"));
}

async function idsAndRows(form) {
    const db = await connect({ flags: ['-FOUND_ROWS'] });
    await db.query('DELETE FROM items');
    const first = form === 'query' ? 1000 : 2000;
    await db.query(`ALTER TABLE items AUTO_INCREMENT = ${first}`);
    const inserted = await run(db, form, 'INSERT INTO items (name, amount) VALUES (?, 1), (?, 2)', ['a', 'b']);
    equal([first, 2], [inserted.insertId, inserted.affectedRows]);
    equal(first, Number(await value(db, form, 'SELECT LAST_INSERT_ID()')));
    const updated = await run(db, form, 'UPDATE items SET amount = ?', [1]);
    equal([1, 1], [updated.affectedRows, updated.changedRows]);
}

async function warnings(form) {
    const db = await connect();
    await db.query("SET SESSION sql_mode = ''");
    equal(1, (await run(db, form, 'INSERT INTO items (name, amount) VALUES (?, ?)', [`warned ${form}`, 'abc'])).warningStatus);
    equal(1366, (await run(db, 'query', 'SHOW WARNINGS'))[0].Code);
}

async function changeUser() {
    const db = await connect();
    await db.execute('SELECT ?', [1]);
    await db.query('SET @a = 1');
    await db.changeUser({ user: process.env.DRIVER_OTHER_USER, password: process.env.DRIVER_OTHER_PASSWORD, database: process.env.DRIVER_SCHEMA });
    const row = (await run(db, 'query', "SELECT @a AS a, SUBSTRING_INDEX(CURRENT_USER(), '@', 1) AS user"))[0];
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
    const db = await connect({ ssl: { ca: fs.readFileSync(process.env.DRIVER_CA) } });
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
    await check('prepared statements kept and dropped', preparedCache);
    await check('queued commands', queued);
    await check('unbuffered', unbuffered);
    await check('load data local', loadData);
    await check('change user', changeUser);
    await check('reset connection', resetConnection);
    await check('kill', kill);
    await check('compression', compression);
    await check('tls', tls);
    finish();
}

main();
