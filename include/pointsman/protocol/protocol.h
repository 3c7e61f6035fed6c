/*
 * protocol.h - the numbers of MySQL's client/server protocol: capabilities, commands, status flags, limits.
 *
 * Source: "MySQL Source Code Documentation, Client/Server Protocol" (page_protocol_basic_*), and MariaDB's
 * "Clientserver Protocol" pages for its extended capabilities.
 */
#ifndef POINTSMAN_PROTOCOL_PROTOCOL_H
#define POINTSMAN_PROTOCOL_PROTOCOL_H

enum { PACKET_HEADER = 4, PACKET_MAX = 0xffffff, SCRAMBLE_LENGTH = 20 };

/* Capability flags (group_cs_capabilities_flags). */
enum {
    CAP_LONG_PASSWORD = 1u << 0, /* MariaDB: CLIENT_MYSQL; unset: extended capabilities are said */
    CAP_FOUND_ROWS = 1u << 1,
    CAP_LONG_FLAG = 1u << 2,
    CAP_CONNECT_WITH_DB = 1u << 3,
    CAP_NO_SCHEMA = 1u << 4,
    CAP_COMPRESS = 1u << 5,
    CAP_ODBC = 1u << 6,
    CAP_LOCAL_FILES = 1u << 7,
    CAP_IGNORE_SPACE = 1u << 8,
    CAP_PROTOCOL_41 = 1u << 9,
    CAP_INTERACTIVE = 1u << 10,
    CAP_SSL = 1u << 11,
    CAP_IGNORE_SIGPIPE = 1u << 12,
    CAP_TRANSACTIONS = 1u << 13,
    CAP_RESERVED = 1u << 14,
    CAP_SECURE_CONNECTION = 1u << 15,
    CAP_MULTI_STATEMENTS = 1u << 16,
    CAP_MULTI_RESULTS = 1u << 17,
    CAP_PS_MULTI_RESULTS = 1u << 18,
    CAP_PLUGIN_AUTH = 1u << 19,
    CAP_CONNECT_ATTRS = 1u << 20,
    CAP_PLUGIN_AUTH_LENENC = 1u << 21,
    CAP_EXPIRED_PASSWORDS = 1u << 22,
    CAP_SESSION_TRACK = 1u << 23,
    CAP_DEPRECATE_EOF = 1u << 24,
    CAP_OPTIONAL_METADATA = 1u << 25,
    CAP_ZSTD = 1u << 26,
    CAP_QUERY_ATTRIBUTES = 1u << 27,
    CAP_MULTI_FACTOR = 1u << 28,
};

/* Server status flags (SERVER_STATUS_flags_enum). */
enum {
    STATUS_IN_TRANS = 1 << 0,
    STATUS_AUTOCOMMIT = 1 << 1,
    STATUS_MORE_RESULTS = 1 << 3,
    STATUS_NO_GOOD_INDEX = 1 << 4,
    STATUS_NO_INDEX = 1 << 5,
    STATUS_CURSOR_EXISTS = 1 << 6,
    STATUS_LAST_ROW_SENT = 1 << 7,
    STATUS_DB_DROPPED = 1 << 8,
    STATUS_NO_BACKSLASH_ESCAPES = 1 << 9,
    STATUS_METADATA_CHANGED = 1 << 10,
    STATUS_QUERY_WAS_SLOW = 1 << 11,
    STATUS_PS_OUT_PARAMS = 1 << 12,
    STATUS_IN_TRANS_READONLY = 1 << 13,
    STATUS_SESSION_STATE_CHANGED = 1 << 14,
    STATUS_ANSI_QUOTES = 1 << 15, /* MariaDB */
};

/* Commands (enum_server_command). */
enum command_code {
    COM_SLEEP = 0,
    COM_QUIT = 1,
    COM_INIT_DB = 2,
    COM_QUERY = 3,
    COM_FIELD_LIST = 4,
    COM_CREATE_DB = 5,
    COM_DROP_DB = 6,
    COM_REFRESH = 7,
    COM_SHUTDOWN = 8,
    COM_STATISTICS = 9,
    COM_PROCESS_INFO = 10,
    COM_CONNECT = 11,
    COM_PROCESS_KILL = 12,
    COM_DEBUG = 13,
    COM_PING = 14,
    COM_TIME = 15,
    COM_DELAYED_INSERT = 16,
    COM_CHANGE_USER = 17,
    COM_BINLOG_DUMP = 18,
    COM_TABLE_DUMP = 19,
    COM_CONNECT_OUT = 20,
    COM_REGISTER_SLAVE = 21,
    COM_STMT_PREPARE = 22,
    COM_STMT_EXECUTE = 23,
    COM_STMT_SEND_LONG_DATA = 24,
    COM_STMT_CLOSE = 25,
    COM_STMT_RESET = 26,
    COM_SET_OPTION = 27,
    COM_STMT_FETCH = 28,
    COM_DAEMON = 29,
    COM_BINLOG_DUMP_GTID = 30,
    COM_RESET_CONNECTION = 31,
    COM_STMT_BULK_EXECUTE = 250, /* MariaDB */
};

/* Types of session-state entries in an OK packet (enum_session_state_type). */
enum {
    TRACK_SYSTEM_VARIABLE = 0,
    TRACK_SCHEMA = 1,
    TRACK_STATE_CHANGE = 2,
    TRACK_GTIDS = 3,
    TRACK_TRANSACTION_CHARACTERISTICS = 4,
    TRACK_TRANSACTION_STATE = 5,
};

#endif
