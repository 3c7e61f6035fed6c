#!/usr/bin/perl
#
# dbd.pl - DBD::mysql and DBD::MariaDB, which differ in the names of their attributes, in what they take for text and
# in how they tell an unsigned number.
#
use strict;
use warnings;
use utf8;
use DBI;
use Digest::MD5 qw(md5_hex);
use Encode qw(decode encode);
use Time::HiRes qw(sleep time);

my $maria = $ENV{DRIVER_NAME} eq 'DBD-MariaDB';
my $prefix = $maria ? 'mariadb' : 'mysql';
my $failed = 0;
binmode STDOUT, ':encoding(UTF-8)';
$| = 1;

if ("@ARGV" eq '--version') {
    my $module = $maria ? 'DBD::MariaDB' : 'DBD::mysql';
    eval "require $module" or die $@;
    print $module->VERSION, "\n";
    exit;
}

sub equal {
    my ($expected, $got, $what) = @_;
    ($expected, $got) = map { !defined $_ ? 'NULL' : ref $_ ? join ',', map { $_ // 'NULL' } @$_ : $_ } $expected, $got;
    return if $expected eq $got;
    die 'different: expected ', ($what // ''), substr($expected, 0, 200), ', got ', substr($got, 0, 200), "\n";
}

sub check {
    my ($what, $run) = @_;
    return print "ok $ENV{DRIVER_NAME} $what\n" if eval { $run->(); 1 };
    $failed = 1;
    my $why = $@ =~ s/^different: // ? $@ : "expected no error, got $@";
    $why =~ s/\s+/ /g;
    print "not ok $ENV{DRIVER_NAME} $what: ", substr($why, 0, 600), "\n";
}

sub connected {
    my (%with) = @_;
    my $schema = delete $with{schema} // $ENV{DRIVER_SCHEMA};
    my $more = delete $with{more} // '';
    my $password = delete $with{password} // $ENV{DRIVER_PASSWORD};
    my $prepared = delete $with{prepared};
    my %text = $maria ? () : (mysql_enable_utf8mb4 => 1);
    return DBI->connect("dbi:" . ($maria ? 'MariaDB' : 'mysql') .
        ":database=$schema;host=$ENV{DRIVER_HOST};port=$ENV{DRIVER_PORT};${prefix}_local_infile=1$more",
        $ENV{DRIVER_USER}, $password,
        { RaiseError => 1, PrintError => 0, "${prefix}_server_prepare" => $prepared ? 1 : 0, %text, %with });
}

sub code_of {
    my ($run) = @_;
    return eval { $run->(); 1 } ? 0 : $DBI::err;
}

sub value { my ($db, @query) = @_; return ($db->selectrow_array($query[0], {}, @query[1 .. $#query]))[0]; }

sub kinds {
    open my $file, '<:encoding(UTF-8)', $ENV{DRIVER_KINDS} or die $!;
    return map { chomp; [map { s/^\s+|\s+$//gr } split /\|/] } grep { /^[a-z]/ } <$file>;
}

sub shown {
    my ($value, $class) = @_;
    return undef unless defined $value;
    return $value + 0 if $class eq 'float';
    return uc unpack 'H*', $value if $class eq 'bytes';
    return $value;
}

sub all_kinds {
    my ($prepared) = @_;
    my $db = connected(prepared => $prepared);
    $db->do("SET time_zone = '+00:00'");
    my $rows = $db->selectall_arrayref('SELECT * FROM kinds ORDER BY id');
    my @kinds = kinds();
    equal(3, scalar @$rows);
    for my $row (@$rows) {
        for my $at (0 .. $#kinds) {
            my ($column, $type, $class, @values) = @{$kinds[$at]};
            my $expected = $row->[0] < 3 ? $values[$row->[0] - 1] : undef;
            $expected += 0 if defined $expected and $class eq 'float';
            equal($expected, shown($row->[$at + 1], $class), "$column ");
        }
    }
}

sub errors {
    my ($prepared) = @_;
    my $db = connected(prepared => $prepared);
    equal(1064, code_of(sub { my $s = $db->prepare('SELEC 1'); $s->execute }));
    equal(1146, code_of(sub { my $s = $db->prepare('SELECT * FROM no_such_table'); $s->execute }));
    my $insert = $db->prepare('INSERT INTO items (name) VALUES (?)');
    $insert->execute("once $prepared");
    equal(1062, code_of(sub { $insert->execute("once $prepared") }));
    equal('23000', $insert->state);
    equal(1, value($db, 'SELECT 1'));
}

sub blobs {
    my ($prepared, $megabytes) = @_;
    my $db = connected(prepared => $prepared);
    my $content = join('', map { chr } 0 .. 255) x ($megabytes * 4096);
    my $insert = $db->prepare('REPLACE INTO blobs VALUES (?, ?)');
    $insert->bind_param(1, $megabytes);
    $insert->bind_param(2, $content, DBI::SQL_BLOB);
    $insert->execute;
    my $select = $db->prepare('SELECT content FROM blobs WHERE id = ?');
    $select->execute($megabytes);
    equal(md5_hex($content), md5_hex($select->fetchrow_array));
}

sub emoji {
    my ($prepared) = @_;
    my $db = connected(prepared => $prepared);
    $db->do('INSERT INTO items (name) VALUES (?)', {}, "😀 grüße $prepared");
    equal("😀 grüße $prepared", value($db, 'SELECT name FROM items WHERE name = ?', "😀 grüße $prepared"));
}

sub results {
    my ($statement) = @_;
    my @found;
    do {
        push @found, $statement->{NUM_OF_FIELDS} ? map { join '/', @$_ } @{$statement->fetchall_arrayref} : 'none';
    } while $statement->more_results;
    return \@found;
}

sub multi_results {
    my $db = connected(more => ";${prefix}_multi_statements=1");
    my $statement = $db->prepare("SELECT 1; SELECT 'b', 'c'");
    $statement->execute;
    equal(['1', 'b/c'], results($statement));
    equal(1, value($db, 'SELECT 1'));
}

sub call {
    my $db = connected();
    my $statement = $db->prepare('CALL two_results(?)');
    $statement->execute(5);
    equal(['5', '6/two', 'none'], results($statement));
    $db->do("SET \@text = 'x'");
    $db->do('CALL out_parameters(21, @doubled, @text)');
    equal([42, 'x was given'], [$db->selectrow_array('SELECT @doubled, @text')]);
}

sub many_parameters {
    my ($prepared) = @_;
    my @row = connected(prepared => $prepared)->selectrow_array('SELECT ' . join(',', ('?') x 200), {}, 0 .. 199);
    equal([0 .. 199], \@row);
}

sub unbuffered {
    my $db = connected();
    my $statement = $db->prepare('SELECT n, filler FROM numbers ORDER BY n', { "${prefix}_use_result" => 1 });
    $statement->execute;
    equal(1, ($statement->fetchrow_array)[0]);
    equal([2 .. 5000], [map { $_->[0] } @{$statement->fetchall_arrayref}]);
    equal(5000, value($db, 'SELECT COUNT(*) FROM numbers'));
}

sub load_data {
    my $path = "$ENV{DRIVER_TMP}/rows";
    open my $rows, '>:encoding(UTF-8)', $path or die $!;
    print $rows "$_\tname $_ 😀\n" for 0 .. 19999;
    close $rows;
    my $db = connected();
    equal(20000, $db->do("LOAD DATA LOCAL INFILE '$path' INTO TABLE loaded CHARACTER SET utf8mb4"));
    equal('name 19999 😀', value($db, 'SELECT name FROM loaded WHERE id = 19999'));
}

sub transaction {
    my ($prepared) = @_;
    my $db = connected(prepared => $prepared);
    my $insert = $db->prepare('INSERT INTO items (name) VALUES (?)');
    my $like = "tx $prepared";
    $db->begin_work;
    $insert->execute("$like 1");
    $db->do('SAVEPOINT here');
    $insert->execute("$like 2");
    $db->do('ROLLBACK TO SAVEPOINT here');
    $db->commit;
    $db->{AutoCommit} = 0;
    $insert->execute("$like 3");
    $db->rollback;
    $db->{AutoCommit} = 1;
    equal(["$like 1"], $db->selectcol_arrayref('SELECT name FROM items WHERE name LIKE ?', {}, "$like%"));
}

sub ids_and_rows {
    my ($prepared) = @_;
    my $db = connected(prepared => $prepared);
    $db->do('DELETE FROM items');
    $db->do('ALTER TABLE items AUTO_INCREMENT = ' . ($prepared ? 2000 : 1000));
    my $insert = $db->prepare("INSERT INTO items (name, amount) VALUES (?, 1), (?, 2)");
    equal(2, $insert->execute('a', 'b'));
    equal($prepared ? 2000 : 1000, $db->last_insert_id(undef, undef, 'items', undef));
    equal($prepared ? 2000 : 1000, value($db, 'SELECT LAST_INSERT_ID()'));
    # These drivers ask for rows found, not rows changed.
    equal(2, $db->do('UPDATE items SET amount = ?', {}, 1));
    equal(1, connected(prepared => $prepared, more => ";${prefix}_client_found_rows=0")->do('UPDATE items SET amount = 2 WHERE name = ?', {}, 'b'));
}

sub warned {
    my ($prepared) = @_;
    my $db = connected(prepared => $prepared);
    $db->do("SET SESSION sql_mode = ''");
    my $insert = $db->prepare('INSERT INTO items (name, amount) VALUES (?, ?)');
    $insert->execute("warned $prepared", 'abc');
    equal(1, $insert->{"${prefix}_warning_count"});
    equal(1366, ($db->selectrow_array('SHOW WARNINGS'))[1]);
}

sub killed {
    my ($victim, $other) = (connected(), connected());
    equal($victim->{"${prefix}_thread_id"} // $victim->{thread_id}, value($victim, 'SELECT CONNECTION_ID()'));
    $other->do('KILL ' . value($victim, 'SELECT CONNECTION_ID()'));
    my ($code, $end) = (0, time + 10);
    sleep 0.02 until $code = code_of(sub { value($victim, 'SELECT 1') }) or time > $end;
    equal(1, scalar grep { $code == $_ } 2006, 2013, 1927);
}

sub compression {
    my $db = connected(more => ";${prefix}_compression=1");
    equal(3000000, length value($db, "SELECT REPEAT('x', 3000000)"));
    equal(200000, value($db, 'SELECT LENGTH(?)', 'y' x 200000));
}

sub tls {
    my $db = connected(more => ";${prefix}_ssl=1;${prefix}_ssl_ca_file=$ENV{DRIVER_CA}");
    equal(1, value($db, 'SELECT 1'));
}

# Some read has to get to where reads run; none has to at once.
sub reads {
    my ($prepared) = @_;
    my ($seen, $end) = (0, time + 10);
    do {
        $seen = value(connected(prepared => $prepared), 'SELECT @@server_id WHERE ?', 1);
        return if " $ENV{DRIVER_READERS} " =~ / $seen /;
    } while time < $end;
    die "different: expected server $ENV{DRIVER_READERS}, got $seen\n";
}

check('connect', sub { equal($ENV{DRIVER_SCHEMA}, value(connected(), 'SELECT DATABASE()')); equal(1, connected()->ping) });
check('wrong password', sub { equal(1045, code_of(sub { connected(password => 'wrong') })) });
check('unknown database', sub { equal(1049, code_of(sub { connected(schema => 'driver_gone') })) });
for my $prepared (0, 1) {
    my $form = $prepared ? 'prepared' : 'text';
    check("errors $form", sub { errors($prepared) });
    check("kinds $form", sub { all_kinds($prepared) });
    check("blob $form $_ MB", do { my $size = $_; sub { blobs($prepared, $size) } }) for 1, 17, 40;
    check("emoji $form", sub { emoji($prepared) });
    check("200 parameters $form", sub { many_parameters($prepared) });
    check("transaction $form", sub { transaction($prepared) });
    check("insert ids and affected rows $form", sub { ids_and_rows($prepared) });
    check("warnings $form", sub { warned($prepared) });
    check("reads $form", sub { reads($prepared) });
}
check('unbuffered', \&unbuffered) unless $maria; # which then gives no rows
check('multi results', \&multi_results);
check('call and out parameters', \&call);
check('load data local', \&load_data);
check('kill', \&killed);
check('compression', \&compression);
check('tls', \&tls) if $maria; # Debian's DBD::mysql enforces none
exit $failed;
