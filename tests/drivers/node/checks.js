/*
 * checks.js - what the Node scripts share: lines of checks, the kinds of columns, and how values are shown.
 *
 * Both drivers are told to give dates and large numbers as text.
 */
'use strict';
const fs = require('fs');
const crypto = require('crypto');
const { isDeepStrictEqual, inspect } = require('util');

const name = process.env.DRIVER_NAME;
let failed = false;

class Difference extends Error {}

const brief = (value) => inspect(value, { breakLength: Infinity, maxStringLength: 200, maxArrayLength: 20 }).slice(0, 300);

function equal(expected, got) {
    if (!isDeepStrictEqual(expected, got))
        throw new Difference(`expected ${brief(expected)}, got ${brief(got)}`);
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/* A check that never comes to an end is a fault like others. */
async function check(what, run) {
    let timer;
    const limit = new Promise((resolve, reject) => {
        timer = setTimeout(() => reject(new Difference('expected an end within 20 s, got none')), 20000);
    });
    try {
        await Promise.race([run(), limit]);
        console.log(`ok ${name} ${what}`);
    } catch (error) {
        failed = true;
        const words = error instanceof Difference ? error.message : `expected no error, got ${error && error.stack}`;
        console.log(`not ok ${name} ${what}: ${words.replace(/\s+/g, ' ').slice(0, 600)}`);
    }
    clearTimeout(timer);
}

async function codeOf(run) {
    try {
        await run();
    } catch (error) {
        return error.errno || error.code || error;
    }
    return 0;
}

function kinds() {
    return fs.readFileSync(process.env.DRIVER_KINDS, 'utf8').split('\n').filter((line) => /^[a-z]/.test(line))
        .map((line) => line.split('|').map((word) => word.trim()));
}

function shown(value, kind) {
    if (value === null)
        return null;
    if (kind === 'float')
        return Number(value);
    if (kind === 'bytes')
        return Buffer.from(value).toString('hex').toUpperCase();
    return String(value);
}

/* Rows 1, 2, 3, as objects. `leave` names columns for which the driver has a form of its own. */
function checkKinds(rows, leave = []) {
    equal(3, rows.length);
    rows.forEach((row, number) => {
        for (const [column, , kind, ...values] of kinds()) {
            if (leave.includes(column))
                continue;
            const expected = number === 2 ? null : kind === 'float' ? Number(values[number]) : values[number];
            equal([column, expected], [column, shown(row[column], kind)]);
        }
    });
}

const blob = (megabytes) => Buffer.alloc(megabytes << 20, Buffer.from(Array.from({ length: 256 }, (_, i) => i)));
const digest = (bytes) => crypto.createHash('md5').update(bytes).digest('hex');

function fileToLoad() {
    const path = `${process.env.DRIVER_TMP}/rows`;
    fs.writeFileSync(path, Array.from({ length: 20000 }, (_, n) => `${n}\tname ${n} 😀\n`).join(''));
    return path;
}

/* Some read has to get to where reads run; none has to at once. */
async function readsOnReaders(serverId) {
    const end = Date.now() + 10000;
    let seen;
    do {
        seen = String(await serverId());
        if (process.env.DRIVER_READERS.split(' ').includes(seen))
            return;
        await sleep(20);
    } while (Date.now() < end);
    throw new Difference(`expected server ${process.env.DRIVER_READERS}, got ${seen}`);
}

async function until(condition) {
    const end = Date.now() + 10000;
    let value;
    while (!(value = await condition()) && Date.now() < end)
        await sleep(20);
    return value;
}

const finish = () => process.exit(failed ? 1 : 0);

module.exports = { equal, check, codeOf, checkKinds, blob, digest, fileToLoad, readsOnReaders, until, sleep, finish, kinds };
