# driver.rb - ruby-mysql2: text, and prepared statements by its `prepare`.
require 'mysql2'
require 'digest'

if ARGV == ['--version']
  puts Mysql2::VERSION
  exit
end
NAME = ENV['DRIVER_NAME']
SCHEMA = ENV['DRIVER_SCHEMA']
$stdout.sync = true
$failed = false

class Difference < StandardError; end

def equal(expected, got)
  raise Difference, "expected #{expected.inspect[0, 300]}, got #{got.inspect[0, 300]}" unless expected == got
end

def check(what)
  yield
  puts "ok #{NAME} #{what}"
rescue StandardError => e
  $failed = true
  why = e.is_a?(Difference) ? e.message : "expected no error, got #{e.class} #{e.message} #{e.backtrace[0]}"
  puts "not ok #{NAME} #{what}: #{why.gsub(/\s+/, ' ')[0, 600]}"
end

def connect(more = {})
  Mysql2::Client.new({ host: ENV['DRIVER_HOST'], port: ENV['DRIVER_PORT'].to_i, username: ENV['DRIVER_USER'],
                       password: ENV['DRIVER_PASSWORD'], database: SCHEMA, encoding: 'utf8mb4', local_infile: true,
                       as: :array, database_timezone: :utc, max_allowed_packet: 64 << 20 }.merge(more))
end

def query(db, sql, *arguments)
  (arguments.empty? ? db.query(sql) : db.prepare(sql).execute(*arguments, as: :array, database_timezone: :utc)).to_a
end

def value(db, sql, *arguments)
  query(db, sql, *arguments)[0][0]
end

def code_of
  yield
  0
rescue Mysql2::Error => e
  e.error_number
end

def kinds
  File.readlines(ENV['DRIVER_KINDS'], encoding: 'UTF-8').grep(/^[a-z]/).map { |line| line.split('|').map(&:strip) }
end

# As the file has it. TIME is a moment of the year 2000 to this driver, which has none for what is negative.
def shown(value, type, kind)
  digits = type[/\((\d)\)/, 1].to_i
  case value
  when nil then nil
  when BigDecimal then value.to_s('F')
  when Time then value.strftime((kind == 'time' ? '' : '%Y-%m-%d ') + '%H:%M:%S' + (digits.positive? ? ".%#{digits}N" : ''))
  when Float, Date then kind == 'float' ? value.to_f : value.to_s
  else kind == 'bytes' ? value.unpack1('H*').upcase : value.to_s
  end
end

def check_kinds(prepared)
  db = connect
  db.query("SET time_zone = '+00:00'")
  # Prepared, what is negative of TIME is an error in the driver.
  used = kinds.reject { |kind| prepared && kind[2] == 'time' }
  sql = "SELECT id, #{used.map(&:first).join(', ')} FROM kinds WHERE id > ? ORDER BY id"
  rows = prepared ? query(db, sql, 0) : query(db, sql.sub('?', '0'))
  equal(3, rows.size)
  rows.each do |id, *values|
    used.zip(values) do |(column, type, kind, *expected), got|
      expected = id < 3 ? expected[id - 1] : nil
      next if kind == 'time' && expected&.start_with?('-')

      expected = expected.to_f if expected && kind == 'float'
      equal([column, expected], [column, shown(got, type, kind)])
    end
  end
end

def check_blob(prepared, megabytes)
  db = connect
  content = (0..255).to_a.pack('C*') * (megabytes * 4096)
  if prepared
    db.prepare('REPLACE INTO blobs VALUES (?, ?)').execute(megabytes, content)
  else
    db.query("REPLACE INTO blobs VALUES (#{megabytes}, _binary'".b + db.escape(content).b + "')".b)
  end
  back = prepared ? value(db, 'SELECT content FROM blobs WHERE id = ?', megabytes) : value(db, "SELECT content FROM blobs WHERE id = #{megabytes}")
  equal(Digest::MD5.hexdigest(content), Digest::MD5.hexdigest(back))
end

def rest_of(db, first)
  found = [first.to_a]
  found << db.store_result&.to_a while db.next_result
  found
end

# Some read has to get to where reads run; none has to at once.
def check_reads
  seen = nil
  finish = Time.now + 10
  seen = yield.to_s until ENV['DRIVER_READERS'].split.include?(seen) || Time.now > finish
  raise Difference, "expected server #{ENV['DRIVER_READERS']}, got #{seen}" unless ENV['DRIVER_READERS'].split.include?(seen)
end

check('connect') do
  db = connect
  equal([SCHEMA, db.thread_id], query(db, 'SELECT DATABASE(), CONNECTION_ID()')[0])
  equal(true, db.ping)
end
check('wrong password') { equal(1045, code_of { connect(password: 'wrong') }) }
check('unknown database') { equal(1049, code_of { connect(database: 'driver_gone') }) }
check('errors') do
  db = connect
  equal(1064, code_of { db.query('SELEC 1') })
  equal(1064, code_of { db.prepare('SELEC ?') })
  equal(1146, code_of { db.prepare('SELECT * FROM no_such_table') })
  insert = db.prepare('INSERT INTO items (name) VALUES (?)')
  insert.execute('once')
  equal(1062, code_of { insert.execute('once') })
  equal(1, value(db, 'SELECT 1'))
end
{ 'text' => false, 'prepared' => true }.each do |form, prepared|
  check("kinds #{form}") { check_kinds(prepared) }
  [1, 17, 40].each { |megabytes| check("blob #{form} #{megabytes} MB") { check_blob(prepared, megabytes) } }
end
check('emoji') do
  db = connect
  query(db, 'INSERT INTO items (name) VALUES (?)', '😀 grüße')
  equal('😀 grüße', value(db, "SELECT name FROM items WHERE name = '😀 grüße'"))
  equal('😀 grüße', value(db, 'SELECT name FROM items WHERE name = ?', '😀 grüße'))
end
check('multi results') do
  db = connect(flags: Mysql2::Client::MULTI_STATEMENTS)
  equal([[[1]], nil, [%w[b c]]], rest_of(db, db.query("SELECT 1; INSERT INTO items (name) VALUES ('multi'); SELECT 'b', 'c'")))
  equal([[[5]], [[6, 'two']], nil], rest_of(db, db.query('CALL two_results(5)')))
end
check('out parameters') do
  db = connect
  db.query("SET @text = 'x'")
  db.query('CALL out_parameters(21, @doubled, @text)')
  equal([42, 'x was given'], query(db, 'SELECT @doubled, @text')[0])
end
check('200 parameters prepared') { equal((0..199).to_a, query(connect, "SELECT #{(['?'] * 200).join(',')}", *0..199)[0]) }
check('unbuffered') do
  db = connect
  equal((1..5000).to_a, db.query('SELECT n, filler FROM numbers ORDER BY n', stream: true, cache_rows: false).map(&:first))
end
check('load data local') do
  path = "#{ENV['DRIVER_TMP']}/rows"
  File.write(path, (0..19_999).map { |n| "#{n}\tname #{n} 😀\n" }.join)
  db = connect
  db.query("LOAD DATA LOCAL INFILE '#{path}' INTO TABLE loaded CHARACTER SET utf8mb4")
  equal(20_000, db.affected_rows)
  equal('name 19999 😀', value(db, 'SELECT name FROM loaded WHERE id = 19999'))
end
check('transaction') do
  db = connect
  insert = db.prepare('INSERT INTO items (name) VALUES (?)')
  db.query('BEGIN')
  insert.execute('tx 1')
  db.query('SAVEPOINT here')
  insert.execute('tx 2')
  db.query('ROLLBACK TO SAVEPOINT here')
  db.query('COMMIT')
  db.query('BEGIN')
  insert.execute('tx 3')
  db.query('ROLLBACK')
  equal([['tx 1']], query(db, "SELECT name FROM items WHERE name LIKE 'tx %'"))
end
check('insert ids and affected rows') do
  db = connect(flags: ['-FOUND_ROWS'])
  db.query('DELETE FROM items')
  db.query('ALTER TABLE items AUTO_INCREMENT = 1000')
  db.query("INSERT INTO items (name, amount) VALUES ('a', 1), ('b', 1)")
  equal([1000, 2], [db.last_id, db.affected_rows])
  insert = db.prepare('INSERT INTO items (name, amount) VALUES (?, ?)')
  insert.execute('c', 3)
  equal([1002, 1], [insert.last_id, insert.affected_rows])
  equal(1002, value(db, 'SELECT LAST_INSERT_ID()'))
  db.query('UPDATE items SET amount = 1')
  equal([1, 'Rows matched: 3 Changed: 1 Warnings: 0'], [db.affected_rows, db.query_info_string.squeeze(' ')])
end
check('warnings') do
  db = connect
  db.query("SET SESSION sql_mode = ''")
  db.query("INSERT INTO items (name, amount) VALUES ('warned', 'abc')")
  equal([1, 1366], [db.warning_count, query(db, 'SHOW WARNINGS')[0][1]])
end
check('kill') do
  victim = connect
  connect.query("KILL #{victim.thread_id}")
  finish = Time.now + 10
  code = 0
  code = code_of { victim.query('SELECT 1') } while code.zero? && Time.now < finish
  equal(true, [2006, 2013, 1927].include?(code))
end
check('compression') do
  db = connect(flags: Mysql2::Client::COMPRESS)
  equal(3_000_000, value(db, "SELECT REPEAT('x', 3000000)").size)
end
check('tls') do
  db = connect(ssl_mode: :required, sslca: ENV['DRIVER_CA'])
  equal(false, db.ssl_cipher.nil?)
end
def server_id(*arguments)
  db = connect
  value(db, "SELECT @@server_id WHERE #{arguments.empty? ? 1 : '?'}", *arguments)
ensure
  db.close
end
check('reads text') { check_reads { server_id } }
check('reads prepared') { check_reads { server_id(1) } }
exit $failed ? 1 : 0
