/* thread.h - the monitor's threads: no signals (main handles those), a small stack; and conditions that wait
 * by the monotonic clock. */
#ifndef PROXY_MONITOR_THREAD_H
#define PROXY_MONITOR_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* ret_thread NULL: detached. False: no thread was started. */
bool thread_start(pthread_t *ret_thread, void *(*run)(void *arg), void *arg);

void thread_cond_init(pthread_cond_t *cond);
/* Waits until signalled (or for no reason), at most until a time of clock_ms(). */
void thread_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline_ms);

#endif
