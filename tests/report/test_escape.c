// Texts of any content written into other languages.

#include "base/escape.h"
#include "fixture.h"
#include "room.h"

static void check(void (*escape)(FILE *to, const char *text), const char *text,
                  const char *expected)
{
    char *out = NULL;
    size_t size;
    FILE *to = open_memstream(&out, &size);
    assert_non_null(to);
    escape(to, text);
    fclose(to);
    assert_string_equal(out, expected);
    free(out);
}

static void xml_has_no_markup_of_a_text(void **state)
{
    (void) state;
    check(escape_xml, "a<b>&\"'c", "a&lt;b&gt;&amp;&quot;&#39;c");
    check(escape_xml, "λ ü", "λ ü");
    check(escape_xml, "\n\t\x7f", "   ");
}

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
    (void) state;
    check(escape_plain, "a\xFFz", "a\xEF\xBF\xBDz");
    check(escape_plain, "\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD");                 // overlong
    check(escape_plain, "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"); // a surrogate
    check(escape_plain, "\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD");                 // cut off
    check(escape_plain, "\xEF\xBF\xBF", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"); // XML forbids it
    check(escape_plain, "\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80");
}

static void latex_prints_what_the_text_says(void **state)
{
    (void) state;
    check(escape_tex, "a_b & 5 % of $x #1 {y} ~ ^ \\z",
          "a\\_b \\& 5 \\% of \\$x \\#1 \\{y\\} \\textasciitilde{} \\textasciicircum{} "
          "\\textbackslash{}z");
    check(escape_tex, "λ é 中 --", "$\\lambda$ é [U+4E2D] {-}{-}");
}

static void csv_fields_are_one_field(void **state)
{
    (void) state;
    check(escape_csv, "memit", "memit");
    check(escape_csv, "3, 4", "\"3, 4\"");
    check(escape_csv, "say \"a\"", "\"say \"\"a\"\"\"");
    check(escape_csv, "two\nlines", "\"two lines\"");
}

static void addresses_hold_no_other_characters(void **state)
{
    (void) state;
    check(escape_address, "../a b/c'd\"<e>?#%/", "../a%20b/c%27d%22%3Ce%3E%3F%23%25/");
    check(escape_address, "javascript:x", "javascript%3Ax");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xml_has_no_markup_of_a_text),
        cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
        cmocka_unit_test(latex_prints_what_the_text_says),
        cmocka_unit_test(csv_fields_are_one_field),
        cmocka_unit_test(addresses_hold_no_other_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
