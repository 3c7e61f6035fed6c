// driver.go - go-sql-driver/mysql by database/sql: prepared where there are arguments, text where there are none or
// with interpolateParams.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

var name, schema = os.Getenv("DRIVER_NAME"), os.Getenv("DRIVER_SCHEMA")
var failed = false

type difference struct{ words string }

func brief(value interface{}) string {
	text := fmt.Sprintf("%q", fmt.Sprint(value))
	if len(text) > 300 {
		text = text[:300]
	}
	return text
}

func equal(expected, got interface{}) {
	if !reflect.DeepEqual(expected, got) {
		panic(difference{"expected " + brief(expected) + ", got " + brief(got)})
	}
}

func must(err error) {
	if err != nil {
		panic(difference{"expected no error, got " + err.Error()})
	}
}

func check(what string, run func()) {
	defer func() {
		if fault := recover(); fault != nil {
			failed = true
			words := fmt.Sprint(fault)
			if it, ours := fault.(difference); ours {
				words = it.words
			}
			fmt.Printf("not ok %s %s: %s\n", name, what, strings.Join(strings.Fields(words), " "))
			return
		}
		fmt.Printf("ok %s %s\n", name, what)
	}()
	run()
}

func config() *mysql.Config {
	it := mysql.NewConfig()
	it.Net, it.Addr = "tcp", os.Getenv("DRIVER_HOST")+":"+os.Getenv("DRIVER_PORT")
	it.User, it.Passwd, it.DBName = os.Getenv("DRIVER_USER"), os.Getenv("DRIVER_PASSWORD"), schema
	it.Collation, it.MultiStatements, it.AllowAllFiles = "utf8mb4_general_ci", true, true
	it.MaxAllowedPacket = 0
	it.ReadTimeout = 20 * time.Second
	return it
}

func open(change func(*mysql.Config)) *sql.DB {
	it := config()
	if change != nil {
		change(it)
	}
	db, err := sql.Open("mysql", it.FormatDSN())
	must(err)
	return db
}

func text(it *mysql.Config) { it.InterpolateParams = true }

// One connection, for what belongs to one.
func single(change func(*mysql.Config)) *sql.DB {
	db := open(change)
	db.SetMaxOpenConns(1)
	return db
}

func value(db *sql.DB, query string, arguments ...interface{}) string {
	var it sql.NullString
	must(db.QueryRow(query, arguments...).Scan(&it))
	return it.String
}

func codeOf(err error) int {
	var it *mysql.MySQLError
	if errors.As(err, &it) {
		return int(it.Number)
	}
	if err != nil {
		return -1
	}
	return 0
}

func exec2(db *sql.DB, query string, arguments ...interface{}) sql.Result {
	result, err := db.Exec(query, arguments...)
	must(err)
	return result
}

func column(db *sql.DB, query string, arguments ...interface{}) []string {
	rows, err := db.Query(query, arguments...)
	must(err)
	defer rows.Close()
	found := []string{}
	for rows.Next() {
		var it string
		must(rows.Scan(&it))
		found = append(found, it)
	}
	must(rows.Err())
	return found
}

func connects() {
	db := open(nil)
	defer db.Close()
	equal(schema, value(db, "SELECT DATABASE()"))
	must(db.Ping())
}

func errorCodes(form func(*mysql.Config), words string) {
	db := single(form)
	defer db.Close()
	for code, query := range map[int]string{1064: "SELEC ?", 1146: "SELECT * FROM no_such_table WHERE ?"} {
		_, err := db.Query(query, 1)
		equal(code, codeOf(err))
	}
	exec2(db, "INSERT INTO items (name) VALUES (?)", "once "+words)
	_, err := db.Exec("INSERT INTO items (name) VALUES (?)", "once "+words)
	equal(1062, codeOf(err))
	equal("1", value(db, "SELECT 1"))
}

func kinds() [][]string {
	content, err := os.ReadFile(os.Getenv("DRIVER_KINDS"))
	must(err)
	found := [][]string{}
	for _, line := range strings.Split(string(content), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		words := strings.Split(line, "|")
		for i := range words {
			words[i] = strings.TrimSpace(words[i])
		}
		found = append(found, words)
	}
	return found
}

func shown(value sql.RawBytes, kind string) string {
	if value == nil {
		return "NULL"
	}
	if kind == "bytes" {
		return strings.ToUpper(hex.EncodeToString(value))
	}
	if kind == "float" {
		return asNumber(string(value))
	}
	return string(value)
}

func asNumber(text string) string {
	number, err := strconv.ParseFloat(text, 64)
	must(err)
	return strconv.FormatFloat(number, 'g', -1, 64)
}

func allKinds(form func(*mysql.Config)) {
	db := single(form)
	defer db.Close()
	exec2(db, "SET time_zone = '+00:00'")
	rows, err := db.Query("SELECT * FROM kinds WHERE id > ? ORDER BY id", 0)
	must(err)
	defer rows.Close()
	all := kinds()
	number := 0
	for ; rows.Next(); number++ {
		values, places := make([]sql.RawBytes, len(all)+1), make([]interface{}, len(all)+1)
		for i := range values {
			places[i] = &values[i]
		}
		must(rows.Scan(places...))
		for i, kind := range all {
			expected := "NULL"
			if number < 2 {
				expected = kind[3+number]
				if kind[2] == "float" {
					expected = asNumber(expected)
				}
			}
			equal(kind[0]+" "+expected, kind[0]+" "+shown(values[i+1], kind[2]))
		}
	}
	must(rows.Err())
	equal(3, number)
}

// Moments, as the driver reads and writes them itself.
func moments(form func(*mysql.Config)) {
	db := single(func(it *mysql.Config) { form(it); it.ParseTime = true; it.Loc = time.UTC })
	defer db.Close()
	now := time.Date(2024, 2, 29, 23, 59, 58, 123456000, time.UTC)
	var back time.Time
	must(db.QueryRow("SELECT moment_6 FROM kinds WHERE moment_6 = ?", now).Scan(&back))
	equal(now, back)
}

func blobs(form func(*mysql.Config), megabytes int) {
	db := single(form)
	defer db.Close()
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	content := bytes.Repeat(every, megabytes*4096)
	exec2(db, "REPLACE INTO blobs VALUES (?, ?)", megabytes, content)
	var back []byte
	must(db.QueryRow("SELECT content FROM blobs WHERE id = ?", megabytes).Scan(&back))
	equal(true, bytes.Equal(content, back))
}

func emoji(form func(*mysql.Config), words string) {
	db := single(form)
	defer db.Close()
	exec2(db, "INSERT INTO items (name) VALUES (?)", "😀 grüße "+words)
	equal("😀 grüße "+words, value(db, "SELECT name FROM items WHERE name = ?", "😀 grüße "+words))
}

func multiResults() {
	db := single(nil)
	defer db.Close()
	for _, query := range []string{"SELECT 5; SELECT 6", "CALL two_results(5)"} {
		rows, err := db.Query(query)
		must(err)
		for n, want := range []string{"5", "6"} {
			equal(true, rows.Next())
			var got, word string
			columns, _ := rows.Columns()
			if len(columns) == 2 {
				must(rows.Scan(&got, &word))
			} else {
				must(rows.Scan(&got))
			}
			equal(want, got)
			equal(false, rows.Next())
			if n == 0 {
				equal(true, rows.NextResultSet())
			}
		}
		must(rows.Close())
	}
	equal("1", value(db, "SELECT 1"))
}

func outParameters() {
	db := single(nil)
	defer db.Close()
	exec2(db, "SET @text = 'x'")
	exec2(db, "CALL out_parameters(?, @doubled, @text)", 21)
	equal("42 x was given", value(db, "SELECT CONCAT(@doubled, ' ', @text)"))
}

func manyParameters(form func(*mysql.Config)) {
	db := single(form)
	defer db.Close()
	numbers, sum := []interface{}{}, 0
	for n := 0; n < 200; n++ {
		numbers = append(numbers, n)
		sum += n
	}
	equal(sum, func() int {
		number, _ := strconv.Atoi(value(db, "SELECT ?"+strings.Repeat(" + ?", 199), numbers...))
		return number
	}())
}

// Prepared once, run on whatever connections the pool has.
func statements() {
	db := open(nil)
	defer db.Close()
	db.SetMaxOpenConns(4)
	statement, err := db.Prepare("SELECT n FROM numbers WHERE n = ?")
	must(err)
	ends := make(chan error, 40)
	for worker := 0; worker < 40; worker++ {
		go func(want int) {
			var got int
			err := statement.QueryRow(want).Scan(&got)
			if err == nil && got != want {
				err = fmt.Errorf("expected %d, got %d", want, got)
			}
			ends <- err
		}(worker + 1)
	}
	for worker := 0; worker < 40; worker++ {
		must(<-ends)
	}
	must(statement.Close())
}

func unbuffered(form func(*mysql.Config)) {
	db := single(form)
	defer db.Close()
	numbers := column(db, "SELECT n FROM numbers WHERE n > ? ORDER BY n", 0)
	equal(5000, len(numbers))
	rows, err := db.Query("SELECT n FROM numbers WHERE n > ?", 0)
	must(err)
	rows.Next()
	must(rows.Close())
	equal("5000", value(db, "SELECT COUNT(*) FROM numbers"))
}

func loadData() {
	path := filepath.Join(os.Getenv("DRIVER_TMP"), "rows")
	var content strings.Builder
	for n := 0; n < 20000; n++ {
		fmt.Fprintf(&content, "%d\tname %d 😀\n", n, n)
	}
	must(os.WriteFile(path, []byte(content.String()), 0600))
	db := single(nil)
	defer db.Close()
	rows, _ := exec2(db, "LOAD DATA LOCAL INFILE '"+path+"' INTO TABLE loaded CHARACTER SET utf8mb4").RowsAffected()
	equal(int64(20000), rows)
	equal("name 19999 😀", value(db, "SELECT name FROM loaded WHERE id = 19999"))
	_, err := db.Exec("LOAD DATA LOCAL INFILE '" + path + ".absent' INTO TABLE loaded")
	equal(true, err != nil)
	equal("1", value(db, "SELECT 1"))
}

func transaction(form func(*mysql.Config)) {
	db := single(form)
	defer db.Close()
	exec2(db, "DELETE FROM items WHERE name LIKE 'tx %'")
	const insert = "INSERT INTO items (name) VALUES (?)"
	tx, err := db.Begin()
	must(err)
	for _, query := range []string{insert, "SAVEPOINT here", insert + " -- 2", "ROLLBACK TO SAVEPOINT here"} {
		if strings.HasPrefix(query, insert) {
			_, err = tx.Exec(query, "tx "+query)
		} else {
			_, err = tx.Exec(query)
		}
		must(err)
	}
	must(tx.Commit())
	tx, err = db.BeginTx(context.Background(), &sql.TxOptions{Isolation: sql.LevelSerializable})
	must(err)
	_, err = tx.Exec(insert, "tx 3")
	must(err)
	must(tx.Rollback())
	equal([]string{"tx " + insert}, column(db, "SELECT name FROM items WHERE name LIKE ?", "tx %"))
}

func readOnly(form func(*mysql.Config)) {
	db := single(form)
	defer db.Close()
	tx, err := db.BeginTx(context.Background(), &sql.TxOptions{ReadOnly: true})
	must(err)
	_, err = tx.Exec("INSERT INTO items (name) VALUES (?)", "tx 4")
	equal(1792, codeOf(err))
	must(tx.Rollback())
}

func idsAndRows(form func(*mysql.Config), first int64) {
	db := single(form)
	defer db.Close()
	exec2(db, "DELETE FROM items")
	exec2(db, fmt.Sprintf("ALTER TABLE items AUTO_INCREMENT = %d", first))
	result := exec2(db, "INSERT INTO items (name, amount) VALUES (?, 1), (?, 2)", "a", "b")
	id, _ := result.LastInsertId()
	rows, _ := result.RowsAffected()
	equal([]int64{first, 2}, []int64{id, rows})
	equal(strconv.FormatInt(first, 10), value(db, "SELECT LAST_INSERT_ID()"))
	rows, _ = exec2(db, "UPDATE items SET amount = ?", 1).RowsAffected()
	equal(int64(1), rows)
}

func warnings() {
	db := single(nil)
	defer db.Close()
	exec2(db, "SET SESSION sql_mode = ''")
	exec2(db, "INSERT INTO items (name, amount) VALUES (?, ?)", "warned", "abc")
	var level, message string
	var code int
	must(db.QueryRow("SHOW WARNINGS").Scan(&level, &code, &message))
	equal(1366, code)
}

// What is cancelled loses its connection; the pool makes another one.
func kill() {
	other, victim := single(nil), single(nil)
	defer other.Close()
	defer victim.Close()
	exec2(other, "INSERT IGNORE INTO items (name) VALUES ('to sleep on')")
	id := value(victim, "SELECT CONNECTION_ID()")
	exec2(other, "KILL "+id)
	equal(true, value(victim, "SELECT CONNECTION_ID()") != id)
	limit, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	_, err := victim.QueryContext(limit, "SELECT SLEEP(2) FROM items LIMIT 1")
	equal(context.DeadlineExceeded, err)
	equal("1", value(victim, "SELECT 1"))
}

func encrypted() {
	authority, err := os.ReadFile(os.Getenv("DRIVER_CA"))
	must(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	must(mysql.RegisterTLSConfig("ours", &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}))
	db := single(func(it *mysql.Config) { it.TLSConfig = "ours" })
	defer db.Close()
	equal("1", value(db, "SELECT 1"))
}

// Some read has to get to where reads run; none has to at once.
func reads(form func(*mysql.Config)) {
	seen := ""
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		db := single(form)
		seen = value(db, "SELECT @@server_id WHERE ?", 1)
		db.Close()
		if strings.Contains(" "+os.Getenv("DRIVER_READERS")+" ", " "+seen+" ") {
			return
		}
	}
	panic(difference{"expected server " + os.Getenv("DRIVER_READERS") + ", got " + seen})
}

func refused(code int, change func(*mysql.Config)) {
	db := open(change)
	defer db.Close()
	equal(code, codeOf(db.Ping()))
}

// The package is Debian's, which knows its version.
func version() {
	found, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", "golang-github-go-sql-driver-mysql-dev").Output()
	must(err)
	fmt.Println(strings.Split(string(found), "-")[0])
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "--version" {
		version()
		return
	}
	check("connect", connects)
	check("wrong password", func() { refused(1045, func(it *mysql.Config) { it.Passwd = "wrong" }) })
	check("unknown database", func() { refused(1049, func(it *mysql.Config) { it.DBName = "driver_gone" }) })
	first := int64(1000)
	for words, form := range map[string]func(*mysql.Config){"text": text, "prepared": func(*mysql.Config) {}} {
		form, words := form, words
		check("errors "+words, func() { errorCodes(form, words) })
		check("kinds "+words, func() { allKinds(form) })
		check("moments "+words, func() { moments(form) })
		for _, megabytes := range []int{1, 17, 40} {
			check(fmt.Sprintf("blob %s %d MB", words, megabytes), func() { blobs(form, megabytes) })
		}
		check("emoji "+words, func() { emoji(form, words) })
		check("200 parameters "+words, func() { manyParameters(form) })
		check("unbuffered "+words, func() { unbuffered(form) })
		check("transaction "+words, func() { transaction(form) })
		check("read-only transaction "+words, func() { readOnly(form) })
		check("insert ids and affected rows "+words, func() { idsAndRows(form, first) })
		check("reads "+words, func() { reads(form) })
		first += 1000
	}
	check("multi results", multiResults)
	check("out parameters", outParameters)
	check("statements on many connections", statements)
	check("load data local", loadData)
	check("warnings", warnings)
	check("kill", kill)
	check("tls", encrypted)
	if failed {
		os.Exit(1)
	}
}
