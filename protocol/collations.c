/*
 * collations.c - a table of collation ids, and four ways to look into it.
 *
 * MariaDB's from information_schema.COLLATIONS of 10.11, MySQL's as the connectors of 8.0 list them. Looked
 * at once a login: searched from the front.
 */
#include "pointsman/protocol/collations.h"

#include <string.h>
#include <strings.h>

/* Who has it, and for whom it is its character set's default. */
enum {
    MARIADB = 1 << 0,
    MYSQL = 1 << 1,
    BOTH = MARIADB | MYSQL,
    MARIADB_DEFAULT = 1 << 2,
    MYSQL_DEFAULT = 1 << 3,
    DEFAULT = MARIADB_DEFAULT | MYSQL_DEFAULT,
};

static const struct collation collations[] = {
    {1, BOTH | DEFAULT, "big5", "big5_chinese_ci"},
    {2, BOTH, "latin2", "latin2_czech_cs"},
    {3, BOTH | DEFAULT, "dec8", "dec8_swedish_ci"},
    {4, BOTH | DEFAULT, "cp850", "cp850_general_ci"},
    {5, BOTH, "latin1", "latin1_german1_ci"},
    {6, BOTH | DEFAULT, "hp8", "hp8_english_ci"},
    {7, BOTH | DEFAULT, "koi8r", "koi8r_general_ci"},
    {8, BOTH | DEFAULT, "latin1", "latin1_swedish_ci"},
    {9, BOTH | DEFAULT, "latin2", "latin2_general_ci"},
    {10, BOTH | DEFAULT, "swe7", "swe7_swedish_ci"},
    {11, BOTH | DEFAULT, "ascii", "ascii_general_ci"},
    {12, BOTH | DEFAULT, "ujis", "ujis_japanese_ci"},
    {13, BOTH | DEFAULT, "sjis", "sjis_japanese_ci"},
    {14, BOTH, "cp1251", "cp1251_bulgarian_ci"},
    {15, BOTH, "latin1", "latin1_danish_ci"},
    {16, BOTH | DEFAULT, "hebrew", "hebrew_general_ci"},
    {18, BOTH | DEFAULT, "tis620", "tis620_thai_ci"},
    {19, BOTH | DEFAULT, "euckr", "euckr_korean_ci"},
    {20, BOTH, "latin7", "latin7_estonian_cs"},
    {21, BOTH, "latin2", "latin2_hungarian_ci"},
    {22, BOTH | DEFAULT, "koi8u", "koi8u_general_ci"},
    {23, BOTH, "cp1251", "cp1251_ukrainian_ci"},
    {24, BOTH | DEFAULT, "gb2312", "gb2312_chinese_ci"},
    {25, BOTH | DEFAULT, "greek", "greek_general_ci"},
    {26, BOTH | DEFAULT, "cp1250", "cp1250_general_ci"},
    {27, BOTH, "latin2", "latin2_croatian_ci"},
    {28, BOTH | DEFAULT, "gbk", "gbk_chinese_ci"},
    {29, BOTH, "cp1257", "cp1257_lithuanian_ci"},
    {30, BOTH | DEFAULT, "latin5", "latin5_turkish_ci"},
    {31, BOTH, "latin1", "latin1_german2_ci"},
    {32, BOTH | DEFAULT, "armscii8", "armscii8_general_ci"},
    {33, BOTH | DEFAULT, "utf8mb3", "utf8mb3_general_ci"},
    {34, BOTH, "cp1250", "cp1250_czech_cs"},
    {35, BOTH | DEFAULT, "ucs2", "ucs2_general_ci"},
    {36, BOTH | DEFAULT, "cp866", "cp866_general_ci"},
    {37, BOTH | DEFAULT, "keybcs2", "keybcs2_general_ci"},
    {38, BOTH | DEFAULT, "macce", "macce_general_ci"},
    {39, BOTH | DEFAULT, "macroman", "macroman_general_ci"},
    {40, BOTH | DEFAULT, "cp852", "cp852_general_ci"},
    {41, BOTH | DEFAULT, "latin7", "latin7_general_ci"},
    {42, BOTH, "latin7", "latin7_general_cs"},
    {43, BOTH, "macce", "macce_bin"},
    {44, BOTH, "cp1250", "cp1250_croatian_ci"},
    {45, BOTH | MARIADB_DEFAULT, "utf8mb4", "utf8mb4_general_ci"},
    {46, BOTH, "utf8mb4", "utf8mb4_bin"},
    {47, BOTH, "latin1", "latin1_bin"},
    {48, BOTH, "latin1", "latin1_general_ci"},
    {49, BOTH, "latin1", "latin1_general_cs"},
    {50, BOTH, "cp1251", "cp1251_bin"},
    {51, BOTH | DEFAULT, "cp1251", "cp1251_general_ci"},
    {52, BOTH, "cp1251", "cp1251_general_cs"},
    {53, BOTH, "macroman", "macroman_bin"},
    {54, BOTH | DEFAULT, "utf16", "utf16_general_ci"},
    {55, BOTH, "utf16", "utf16_bin"},
    {56, BOTH | DEFAULT, "utf16le", "utf16le_general_ci"},
    {57, BOTH | DEFAULT, "cp1256", "cp1256_general_ci"},
    {58, BOTH, "cp1257", "cp1257_bin"},
    {59, BOTH | DEFAULT, "cp1257", "cp1257_general_ci"},
    {60, BOTH | DEFAULT, "utf32", "utf32_general_ci"},
    {61, BOTH, "utf32", "utf32_bin"},
    {62, BOTH, "utf16le", "utf16le_bin"},
    {63, BOTH | DEFAULT, "binary", "binary"},
    {64, BOTH, "armscii8", "armscii8_bin"},
    {65, BOTH, "ascii", "ascii_bin"},
    {66, BOTH, "cp1250", "cp1250_bin"},
    {67, BOTH, "cp1256", "cp1256_bin"},
    {68, BOTH, "cp866", "cp866_bin"},
    {69, BOTH, "dec8", "dec8_bin"},
    {70, BOTH, "greek", "greek_bin"},
    {71, BOTH, "hebrew", "hebrew_bin"},
    {72, BOTH, "hp8", "hp8_bin"},
    {73, BOTH, "keybcs2", "keybcs2_bin"},
    {74, BOTH, "koi8r", "koi8r_bin"},
    {75, BOTH, "koi8u", "koi8u_bin"},
    {76, MYSQL, "utf8mb3", "utf8mb3_tolower_ci"},
    {77, BOTH, "latin2", "latin2_bin"},
    {78, BOTH, "latin5", "latin5_bin"},
    {79, BOTH, "latin7", "latin7_bin"},
    {80, BOTH, "cp850", "cp850_bin"},
    {81, BOTH, "cp852", "cp852_bin"},
    {82, BOTH, "swe7", "swe7_bin"},
    {83, BOTH, "utf8mb3", "utf8mb3_bin"},
    {84, BOTH, "big5", "big5_bin"},
    {85, BOTH, "euckr", "euckr_bin"},
    {86, BOTH, "gb2312", "gb2312_bin"},
    {87, BOTH, "gbk", "gbk_bin"},
    {88, BOTH, "sjis", "sjis_bin"},
    {89, BOTH, "tis620", "tis620_bin"},
    {90, BOTH, "ucs2", "ucs2_bin"},
    {91, BOTH, "ujis", "ujis_bin"},
    {92, BOTH | DEFAULT, "geostd8", "geostd8_general_ci"},
    {93, BOTH, "geostd8", "geostd8_bin"},
    {94, BOTH, "latin1", "latin1_spanish_ci"},
    {95, BOTH | DEFAULT, "cp932", "cp932_japanese_ci"},
    {96, BOTH, "cp932", "cp932_bin"},
    {97, BOTH | DEFAULT, "eucjpms", "eucjpms_japanese_ci"},
    {98, BOTH, "eucjpms", "eucjpms_bin"},
    {99, BOTH, "cp1250", "cp1250_polish_ci"},
    {101, BOTH, "utf16", "utf16_unicode_ci"},
    {102, BOTH, "utf16", "utf16_icelandic_ci"},
    {103, BOTH, "utf16", "utf16_latvian_ci"},
    {104, BOTH, "utf16", "utf16_romanian_ci"},
    {105, BOTH, "utf16", "utf16_slovenian_ci"},
    {106, BOTH, "utf16", "utf16_polish_ci"},
    {107, BOTH, "utf16", "utf16_estonian_ci"},
    {108, BOTH, "utf16", "utf16_spanish_ci"},
    {109, BOTH, "utf16", "utf16_swedish_ci"},
    {110, BOTH, "utf16", "utf16_turkish_ci"},
    {111, BOTH, "utf16", "utf16_czech_ci"},
    {112, BOTH, "utf16", "utf16_danish_ci"},
    {113, BOTH, "utf16", "utf16_lithuanian_ci"},
    {114, BOTH, "utf16", "utf16_slovak_ci"},
    {115, BOTH, "utf16", "utf16_spanish2_ci"},
    {116, BOTH, "utf16", "utf16_roman_ci"},
    {117, BOTH, "utf16", "utf16_persian_ci"},
    {118, BOTH, "utf16", "utf16_esperanto_ci"},
    {119, BOTH, "utf16", "utf16_hungarian_ci"},
    {120, BOTH, "utf16", "utf16_sinhala_ci"},
    {121, BOTH, "utf16", "utf16_german2_ci"},
    {122, MARIADB, "utf16", "utf16_croatian_mysql561_ci"},
    {122, MYSQL, "utf16", "utf16_croatian_ci"},
    {123, BOTH, "utf16", "utf16_unicode_520_ci"},
    {124, BOTH, "utf16", "utf16_vietnamese_ci"},
    {128, BOTH, "ucs2", "ucs2_unicode_ci"},
    {129, BOTH, "ucs2", "ucs2_icelandic_ci"},
    {130, BOTH, "ucs2", "ucs2_latvian_ci"},
    {131, BOTH, "ucs2", "ucs2_romanian_ci"},
    {132, BOTH, "ucs2", "ucs2_slovenian_ci"},
    {133, BOTH, "ucs2", "ucs2_polish_ci"},
    {134, BOTH, "ucs2", "ucs2_estonian_ci"},
    {135, BOTH, "ucs2", "ucs2_spanish_ci"},
    {136, BOTH, "ucs2", "ucs2_swedish_ci"},
    {137, BOTH, "ucs2", "ucs2_turkish_ci"},
    {138, BOTH, "ucs2", "ucs2_czech_ci"},
    {139, BOTH, "ucs2", "ucs2_danish_ci"},
    {140, BOTH, "ucs2", "ucs2_lithuanian_ci"},
    {141, BOTH, "ucs2", "ucs2_slovak_ci"},
    {142, BOTH, "ucs2", "ucs2_spanish2_ci"},
    {143, BOTH, "ucs2", "ucs2_roman_ci"},
    {144, BOTH, "ucs2", "ucs2_persian_ci"},
    {145, BOTH, "ucs2", "ucs2_esperanto_ci"},
    {146, BOTH, "ucs2", "ucs2_hungarian_ci"},
    {147, BOTH, "ucs2", "ucs2_sinhala_ci"},
    {148, BOTH, "ucs2", "ucs2_german2_ci"},
    {149, MARIADB, "ucs2", "ucs2_croatian_mysql561_ci"},
    {149, MYSQL, "ucs2", "ucs2_croatian_ci"},
    {150, BOTH, "ucs2", "ucs2_unicode_520_ci"},
    {151, BOTH, "ucs2", "ucs2_vietnamese_ci"},
    {159, BOTH, "ucs2", "ucs2_general_mysql500_ci"},
    {160, BOTH, "utf32", "utf32_unicode_ci"},
    {161, BOTH, "utf32", "utf32_icelandic_ci"},
    {162, BOTH, "utf32", "utf32_latvian_ci"},
    {163, BOTH, "utf32", "utf32_romanian_ci"},
    {164, BOTH, "utf32", "utf32_slovenian_ci"},
    {165, BOTH, "utf32", "utf32_polish_ci"},
    {166, BOTH, "utf32", "utf32_estonian_ci"},
    {167, BOTH, "utf32", "utf32_spanish_ci"},
    {168, BOTH, "utf32", "utf32_swedish_ci"},
    {169, BOTH, "utf32", "utf32_turkish_ci"},
    {170, BOTH, "utf32", "utf32_czech_ci"},
    {171, BOTH, "utf32", "utf32_danish_ci"},
    {172, BOTH, "utf32", "utf32_lithuanian_ci"},
    {173, BOTH, "utf32", "utf32_slovak_ci"},
    {174, BOTH, "utf32", "utf32_spanish2_ci"},
    {175, BOTH, "utf32", "utf32_roman_ci"},
    {176, BOTH, "utf32", "utf32_persian_ci"},
    {177, BOTH, "utf32", "utf32_esperanto_ci"},
    {178, BOTH, "utf32", "utf32_hungarian_ci"},
    {179, BOTH, "utf32", "utf32_sinhala_ci"},
    {180, BOTH, "utf32", "utf32_german2_ci"},
    {181, MARIADB, "utf32", "utf32_croatian_mysql561_ci"},
    {181, MYSQL, "utf32", "utf32_croatian_ci"},
    {182, BOTH, "utf32", "utf32_unicode_520_ci"},
    {183, BOTH, "utf32", "utf32_vietnamese_ci"},
    {192, BOTH, "utf8mb3", "utf8mb3_unicode_ci"},
    {193, BOTH, "utf8mb3", "utf8mb3_icelandic_ci"},
    {194, BOTH, "utf8mb3", "utf8mb3_latvian_ci"},
    {195, BOTH, "utf8mb3", "utf8mb3_romanian_ci"},
    {196, BOTH, "utf8mb3", "utf8mb3_slovenian_ci"},
    {197, BOTH, "utf8mb3", "utf8mb3_polish_ci"},
    {198, BOTH, "utf8mb3", "utf8mb3_estonian_ci"},
    {199, BOTH, "utf8mb3", "utf8mb3_spanish_ci"},
    {200, BOTH, "utf8mb3", "utf8mb3_swedish_ci"},
    {201, BOTH, "utf8mb3", "utf8mb3_turkish_ci"},
    {202, BOTH, "utf8mb3", "utf8mb3_czech_ci"},
    {203, BOTH, "utf8mb3", "utf8mb3_danish_ci"},
    {204, BOTH, "utf8mb3", "utf8mb3_lithuanian_ci"},
    {205, BOTH, "utf8mb3", "utf8mb3_slovak_ci"},
    {206, BOTH, "utf8mb3", "utf8mb3_spanish2_ci"},
    {207, BOTH, "utf8mb3", "utf8mb3_roman_ci"},
    {208, BOTH, "utf8mb3", "utf8mb3_persian_ci"},
    {209, BOTH, "utf8mb3", "utf8mb3_esperanto_ci"},
    {210, BOTH, "utf8mb3", "utf8mb3_hungarian_ci"},
    {211, BOTH, "utf8mb3", "utf8mb3_sinhala_ci"},
    {212, BOTH, "utf8mb3", "utf8mb3_german2_ci"},
    {213, MARIADB, "utf8mb3", "utf8mb3_croatian_mysql561_ci"},
    {213, MYSQL, "utf8mb3", "utf8mb3_croatian_ci"},
    {214, BOTH, "utf8mb3", "utf8mb3_unicode_520_ci"},
    {215, BOTH, "utf8mb3", "utf8mb3_vietnamese_ci"},
    {223, BOTH, "utf8mb3", "utf8mb3_general_mysql500_ci"},
    {224, BOTH, "utf8mb4", "utf8mb4_unicode_ci"},
    {225, BOTH, "utf8mb4", "utf8mb4_icelandic_ci"},
    {226, BOTH, "utf8mb4", "utf8mb4_latvian_ci"},
    {227, BOTH, "utf8mb4", "utf8mb4_romanian_ci"},
    {228, BOTH, "utf8mb4", "utf8mb4_slovenian_ci"},
    {229, BOTH, "utf8mb4", "utf8mb4_polish_ci"},
    {230, BOTH, "utf8mb4", "utf8mb4_estonian_ci"},
    {231, BOTH, "utf8mb4", "utf8mb4_spanish_ci"},
    {232, BOTH, "utf8mb4", "utf8mb4_swedish_ci"},
    {233, BOTH, "utf8mb4", "utf8mb4_turkish_ci"},
    {234, BOTH, "utf8mb4", "utf8mb4_czech_ci"},
    {235, BOTH, "utf8mb4", "utf8mb4_danish_ci"},
    {236, BOTH, "utf8mb4", "utf8mb4_lithuanian_ci"},
    {237, BOTH, "utf8mb4", "utf8mb4_slovak_ci"},
    {238, BOTH, "utf8mb4", "utf8mb4_spanish2_ci"},
    {239, BOTH, "utf8mb4", "utf8mb4_roman_ci"},
    {240, BOTH, "utf8mb4", "utf8mb4_persian_ci"},
    {241, BOTH, "utf8mb4", "utf8mb4_esperanto_ci"},
    {242, BOTH, "utf8mb4", "utf8mb4_hungarian_ci"},
    {243, BOTH, "utf8mb4", "utf8mb4_sinhala_ci"},
    {244, BOTH, "utf8mb4", "utf8mb4_german2_ci"},
    {245, MARIADB, "utf8mb4", "utf8mb4_croatian_mysql561_ci"},
    {245, MYSQL, "utf8mb4", "utf8mb4_croatian_ci"},
    {246, BOTH, "utf8mb4", "utf8mb4_unicode_520_ci"},
    {247, BOTH, "utf8mb4", "utf8mb4_vietnamese_ci"},
    {248, MYSQL | DEFAULT, "gb18030", "gb18030_chinese_ci"},
    {249, MYSQL, "gb18030", "gb18030_bin"},
    {250, MYSQL, "gb18030", "gb18030_unicode_520_ci"},
    {255, MYSQL | MYSQL_DEFAULT, "utf8mb4", "utf8mb4_0900_ai_ci"},
};

enum { COLLATIONS = sizeof collations / sizeof *collations };

static bool same(const char *ours, const char *name, size_t length)
{
    return strlen(ours) == length && strncasecmp(ours, name, length) == 0;
}

const struct collation *collation_by_id(uint16_t id, bool mariadb)
{
    for (size_t i = 0; i < COLLATIONS; i++)
        if (collations[i].id == id && (collations[i].flavours & (mariadb ? MARIADB : MYSQL)))
            return &collations[i];
    return NULL;
}

/* "utf8_bin" is how servers before MariaDB 10.6 and MySQL 8.0.30 say "utf8mb3_bin". */
static bool same_collation(const char *ours, const char *name, size_t length)
{
    static const char long_form[] = "utf8mb3_", short_form[] = "utf8_";
    const size_t longer = sizeof long_form - 1, shorter = sizeof short_form - 1;

    if (length > shorter && strncasecmp(name, short_form, shorter) == 0)
        return strncmp(ours, long_form, longer) == 0 && same(ours + longer, name + shorter, length - shorter);
    return same(ours, name, length);
}

const struct collation *collation_by_name(const char *name, size_t length, bool mariadb)
{
    for (size_t i = 0; i < COLLATIONS; i++)
        if ((collations[i].flavours & (mariadb ? MARIADB : MYSQL)) &&
            same_collation(collations[i].name, name, length))
            return &collations[i];
    return NULL;
}

const struct collation *collation_default_of(const char *charset, size_t length, bool mariadb)
{
    static const char utf8[] = "utf8", utf8mb3[] = "utf8mb3";

    if (same(utf8, charset, length)) {
        charset = utf8mb3;
        length = sizeof utf8mb3 - 1;
    }
    for (size_t i = 0; i < COLLATIONS; i++)
        if ((collations[i].flavours & (mariadb ? MARIADB : MYSQL)) &&
            (collations[i].flavours & (mariadb ? MARIADB_DEFAULT : MYSQL_DEFAULT)) &&
            same(collations[i].charset, charset, length))
            return &collations[i];
    return NULL;
}

enum sql_charset collation_scan_class(const char *charset, size_t length)
{
    static const struct {
        const char *charset;
        enum sql_charset scan;
    } special[] = {
        {"gbk", SQL_CHARSET_GBK},    {"big5", SQL_CHARSET_BIG5},       {"sjis", SQL_CHARSET_SJIS},
        {"cp932", SQL_CHARSET_SJIS}, {"gb18030", SQL_CHARSET_GB18030},
    };

    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (same(special[i].charset, charset, length))
            return special[i].scan;
    return SQL_CHARSET_PLAIN;
}
