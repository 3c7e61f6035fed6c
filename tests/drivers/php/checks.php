<?php
/*
 * checks.php - what the PHP scripts share: lines of checks, the kinds of columns, and how values are shown.
 */
error_reporting(E_ALL & ~E_DEPRECATED);
ini_set('memory_limit', '1G');
ini_set('mysqlnd.net_read_timeout', '8'); // a fault, not a script that hangs
define('NAME', getenv('DRIVER_NAME'));
$failed = false;

class Difference extends Exception {}

function brief($value): string
{
    $text = str_replace("\n", '', var_export($value, true));
    return strlen($text) < 300 ? $text : substr($text, 0, 100) . '... (' . strlen($text) . ' bytes)';
}

function equal($expected, $got): void
{
    if ($expected !== $got)
        throw new Difference('expected ' . brief($expected) . ', got ' . brief($got));
}

function check(string $what, callable $run): void
{
    global $failed;
    try {
        $run();
        echo 'ok ', NAME, " $what\n";
    } catch (Throwable $error) {
        $failed = true;
        $words = $error instanceof Difference ? $error->getMessage() : 'expected no error, got ' . get_class($error) . ' ' . $error->getMessage() . ' at line ' . $error->getLine();
        echo 'not ok ', NAME, " $what: ", substr(preg_replace('/\s+/', ' ', $words), 0, 600), "\n";
    }
}

/* A read gets to where reads run sooner or later; it need not at once. */
function reads_on_readers(callable $server_id): void
{
    $end = microtime(true) + 10;
    do {
        $seen = (string)$server_id();
        if (in_array($seen, explode(' ', getenv('DRIVER_READERS')), true))
            return;
        usleep(20000);
    } while (microtime(true) < $end);
    throw new Difference('expected server ' . getenv('DRIVER_READERS') . ", got $seen");
}

function kinds(): array
{
    $lines = array_filter(file(getenv('DRIVER_KINDS')), fn($line) => trim($line) !== '' && $line[0] !== '#');
    return array_map(fn($line) => array_map('trim', explode('|', $line)), array_values($lines));
}

function shown($value, string $class)
{
    if ($value === null)
        return null;
    if ($class === 'float')
        return (float)$value;
    return $class === 'bytes' ? strtoupper(bin2hex($value)) : (string)$value;
}

/* Rows 1, 2, 3 of the table, by numbers, with their ids. BIT is a number to PHP. */
function check_kinds(array $rows): void
{
    equal(3, count($rows));
    foreach ($rows as $number => $row)
        foreach (kinds() as $at => [$column, $type, $class, $one, $other]) {
            $expected = [$one, $other, null][$number];
            if (str_starts_with($type, 'BIT'))
                [$class, $expected] = ['int', $expected === null ? null : (string)hexdec($expected)];
            elseif ($expected !== null && $class === 'float')
                $expected = (float)$expected;
            equal([$column, $expected], [$column, shown($row[$at + 1], $class)]);
        }
}

/* Every byte value. */
function blob(int $megabytes): string
{
    return str_repeat(implode('', array_map('chr', range(0, 255))), $megabytes * 4096);
}

function file_to_load(): string
{
    $path = getenv('DRIVER_TMP') . '/rows';
    file_put_contents($path, implode('', array_map(fn($n) => "$n\tname $n 😀\n", range(0, 19999))));
    return $path;
}

function finish(): void
{
    global $failed;
    exit($failed ? 1 : 0);
}
