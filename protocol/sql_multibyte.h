/*
 * sql_multibyte.h - how many bytes the character at p has, in the character sets whose second byte may look
 * like syntax (a backslash, a backtick, a bar, a digit).
 *
 *            lead                 second                      further
 *   GBK      81..FE               40..7E 80..FE
 *   Big5     A1..F9               40..7E A1..FE
 *   SJIS     81..9F E0..FC        40..7E 80..FC
 *   GB18030  81..FE               40..7E 80..FE, or 30..39    81..FE 30..39
 */
#ifndef SQL_MULTIBYTE_H
#define SQL_MULTIBYTE_H

#include "pointsman/protocol/sql.h"

/* 2 or 4 for a whole character, 1 for a byte that stands for itself or begins no whole character. */
size_t sql_char_length(enum sql_charset charset, const char *p, const char *end);

#endif
