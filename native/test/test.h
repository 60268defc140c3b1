/* A test is a function with a sentence for a name; CHECK ends it at the first thing that is not so. */
#ifndef MF_TEST_H
#define MF_TEST_H

#include <stdio.h>

static int tests_passed, tests_failed, test_failures;

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            printf("  %s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno); \
            test_failures++;                                                              \
            return;                                                                       \
        }                                                                                 \
    } while (0)

#define RUN(sentence, function)                                       \
    do {                                                              \
        test_failures = 0;                                            \
        function();                                                   \
        printf("%s %s\n", test_failures == 0 ? "ok  " : "FAIL", sentence); \
        if (test_failures == 0) tests_passed++;                       \
        else tests_failed++;                                          \
    } while (0)

#define FINISH()                                                              \
    do {                                                                      \
        printf("%d passed, %d failed\n", tests_passed, tests_failed);         \
        return tests_failed == 0 && tests_passed > 0 ? 0 : 1;                 \
    } while (0)

#endif
