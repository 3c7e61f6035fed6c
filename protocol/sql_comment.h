/*
 * sql_comment.h - what stands between slash-star and star-slash. Private to the reading of SQL.
 */
#ifndef SQL_COMMENT_H
#define SQL_COMMENT_H

#include "sql_lex.h"

/*
 * p stands at the opening of a comment. Returns where to read on: behind the comment, or, if it is an
 * executable one for this server, behind its marker (and sets lexer->in_code). NULL if it doesn't end or is
 * read differently by different servers.
 */
const char *sql_comment_skip(struct sql_lexer *lexer, const char *p);

/* Reads `pointsman: ...` out of the inside of a comment, if that is what it is. */
void sql_hint_read(const char *from, const char *to, struct sql_hint *hint);

#endif
