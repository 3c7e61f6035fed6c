/* certificate_folder.h - the working folder has c.pem and c.key, a pair, and d.key, of another one. */
#ifndef TESTS_CERTIFICATE_FOLDER_H
#define TESTS_CERTIFICATE_FOLDER_H

#include <stdlib.h>
#include <unistd.h>

#include "../../certificate.h"

static char certificate_folder[] = "/tmp/test-config-XXXXXX";

static inline int enter_certificate_folder(void **state)
{
    (void)state;
    return mkdtemp(certificate_folder) && chdir(certificate_folder) == 0 &&
                   certificate_make(".", "c", NULL, NULL) && certificate_make(".", "d", NULL, NULL)
               ? 0
               : -1;
}

static inline int leave_certificate_folder(void **state)
{
    (void)state;
    unlink("c.pem"), unlink("c.key"), unlink("d.pem"), unlink("d.key");
    return chdir("/") == 0 && rmdir(certificate_folder) == 0 ? 0 : -1;
}

#endif
