// Threads that do shares of one task at the same time as their caller; see workers.h.

#include "base/workers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct worker {
    struct workers *all;
    pthread_t thread;
    pthread_cond_t wake;
    int number;
    bool busy; // has a share to do; all->lock guards it
};

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t done;
    workers_share *share; // NULL: the end
    void *task;
    int num, left;          // of the shares being done
    struct worker worker[]; // [num]; the caller's has no thread
};

static void *work(void *one)
{
    struct worker *me = one;
    struct workers *all = me->all;
    pthread_mutex_lock(&all->lock);
    for (;;) {
        while (!me->busy)
            pthread_cond_wait(&me->wake, &all->lock);
        if (!all->share)
            break;
        pthread_mutex_unlock(&all->lock);
        all->share(all->task, me->number);
        pthread_mutex_lock(&all->lock);
        me->busy = false;
        if (--all->left == 0)
            pthread_cond_signal(&all->done);
    }
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

struct workers *workers_create(int num)
{
    struct workers *w = calloc(1, sizeof(*w) + (size_t) num * sizeof(w->worker[0]));
    if (!w)
        return NULL;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->done, NULL);
    for (w->num = 1; w->num < num; w->num++) {
        struct worker *one = &w->worker[w->num];
        *one = (struct worker) {.all = w, .number = w->num};
        pthread_cond_init(&one->wake, NULL);
        if (pthread_create(&one->thread, NULL, work, one) == 0)
            continue;
        pthread_cond_destroy(&one->wake);
        workers_destroy(&w);
        return NULL;
    }
    return w;
}

static void start(struct workers *w, int num, workers_share *share, void *task)
{
    pthread_mutex_lock(&w->lock);
    w->share = share;
    w->task = task;
    w->left = num - 1;
    for (int i = 1; i < num; i++) {
        w->worker[i].busy = true;
        pthread_cond_signal(&w->worker[i].wake);
    }
    pthread_mutex_unlock(&w->lock);
}

void workers_destroy(struct workers **w)
{
    if (!*w)
        return;
    start(*w, (*w)->num, NULL, NULL);
    for (int i = 1; i < (*w)->num; i++) {
        pthread_join((*w)->worker[i].thread, NULL);
        pthread_cond_destroy(&(*w)->worker[i].wake);
    }
    pthread_cond_destroy(&(*w)->done);
    pthread_mutex_destroy(&(*w)->lock);
    free(*w);
    *w = NULL;
}

int workers_num(const struct workers *w)
{
    return w->num;
}

void workers_run(struct workers *w, int num, workers_share *share, void *task)
{
    if (num > 1)
        start(w, num, share, task);
    share(task, 0);
    if (num <= 1)
        return;
    pthread_mutex_lock(&w->lock);
    while (w->left > 0)
        pthread_cond_wait(&w->done, &w->lock);
    pthread_mutex_unlock(&w->lock);
}
