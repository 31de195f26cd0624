/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine's phases: see engine.h. */
#include "bpf/engine_priv.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ds.h"
#include "base/xalloc.h"

#define LOG_SIZE	(16u << 20)
#define UNWIND_ROWS	(1u << 17)	/* room for so many rules if nobody says how many there are */
#define MAP_VALUE_MAX	(1u << 29)	/* how far into a value the verifier lets programs compute addresses */

int engine_fail(struct engine *e, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->error, sizeof(e->error), fmt, ap);
	va_end(ap);
	return err;
}

int engine_not_permitted(struct engine *e)
{
	return engine_fail(e, -EPERM, "eBPF is not permitted here: it needs the capabilities "
			   "CAP_BPF and CAP_PERFMON (or root), see capabilities(7)");
}

const char *engine_error(const struct engine *e)
{
	return e->error;
}

struct engine *engine_create(const struct program *p, const struct engine_options *o)
{
	struct engine *e = xcalloc(1, sizeof(*e));
	int ncpu = libbpf_num_possible_cpus();

	e->p = p;
	e->opt = *o;
	e->epoll_fd = e->btf.fd = -1;
	e->begun_fd = e->begun_link = -1;
	e->track_fd[0] = e->track_fd[1] = e->track_link[0] = e->track_link[1] = -1;
	e->unit.p = p;
	e->unit.max_frames = o->max_frames && o->max_frames < UNWIND_FRAMES ? o->max_frames : UNWIND_FRAMES;
	e->unit.unwind_rows = pow2_ceil(o->unwind_rows ? o->unwind_rows : UNWIND_ROWS);
	e->unit.without = o->without;
	e->unit.by_address = o->by_address;
	e->unit.parallel = ncpu > 1;
	layout_init(&e->unit.lo, p, ncpu > 0 ? (unsigned)ncpu : 1);
	gen_guard_survey(&e->unit);
	gen_slot_survey(&e->unit);
	e->gens = xcalloc((size_t)arrlen(p->handlers) + 1, sizeof(*e->gens));
	e->generated = xcalloc((size_t)arrlen(p->handlers) + 1, sizeof(*e->generated));
	for (ptrdiff_t i = 0; i < arrlen(p->handlers); i++)
		arrput(e->fds, -1);
	for (ptrdiff_t i = 0; i < arrlen(p->points); i++)
		arrput(e->point_fds, -1);
	return e;
}

static bool in_kernel(const struct engine *e, ptrdiff_t h)
{
	return e->p->handlers[h].kind != PROG_USER;
}

/* Code of all handlers; again: of those only that have sizes in it that are known by now. */
static int generate_all(struct engine *e, bool again)
{
	for (ptrdiff_t h = 0; h < arrlen(e->p->handlers); h++) {
		const char *err;

		if (!in_kernel(e, h) || (again && !e->gens[h].uses_sizes))
			continue;
		if (e->generated[h])
			gen_fini(&e->gens[h]);
		e->generated[h] = true;
		err = gen_handler(&e->gens[h], &e->unit, (uint32_t)h);
		if (err)
			return engine_fail(e, -ENOTSUP, "cannot compile handler %td for the kernel: %s",
					   h, err);
	}
	return 0;
}

/* Elements that a foreach may have to collect. */
static uint32_t largest_array(const struct program *p)
{
	uint32_t n = 1;

	for (ptrdiff_t i = 0; i < arrlen(p->ir->globals); i++)
		if (p->ir->globals[i]->is_array && p->ir->globals[i]->max_entries > n)
			n = p->ir->globals[i]->max_entries;
	return n;
}

/* Do the collections of all slots fit a map that programs can reach all of? */
static int check_collections(struct engine *e)
{
	const struct unit *u = &e->unit;

	if (u->coll_size * u->lo.ncpu_pow2 * SLOTS_PER_CPU <= MAP_VALUE_MAX)
		return 0;
	return engine_fail(e, -E2BIG, "a foreach over an array of up to %u elements needs more memory than a kernel "
			   "handler can have; give the arrays their sizes, as in global a[1000], or try a smaller "
			   "-DMAXMAPENTRIES", largest_array(e->p));
}

/* sizeof(struct rt_mem) as that variant of the routines was compiled with it. */
static uint32_t slot_size_of(int variant)
{
	return SLOT_B + (1u << routine_variants[variant].mem_shift) + RT_PAD;
}

int engine_prepare(struct engine *e)
{
	struct unit *u = &e->unit;
	uint32_t mem, slot_size;
	int err;

	u->coll_cap = pow2_ceil(largest_array(e->p));
	u->slot_size = slot_size_of(0);
	/* once to learn the sizes, once with them */
	slot_size = u->slot_size;
	err = generate_all(e, false);
	if (err)
		return err;
	u->pool_base = round8(u->mem_size);
	mem = u->pool_base + (uint32_t)arrlen(u->pool) + 2 * pow2_ceil(e->p->ir->maxstr + 1);
	u->variant = routine_variant_for(mem, e->p->ir->maxstr);
	if (u->variant < 0)
		return engine_fail(e, -E2BIG, "the script's strings need more memory per hit (%u bytes) "
				   "than a kernel handler can have; try a smaller -DMAXSTRINGLEN", mem);
	u->slot_size = slot_size_of(u->variant);
	err = check_collections(e);
	return err ? err : generate_all(e, u->slot_size == slot_size);
}

static void show_log(const struct load_request *rq)
{
	struct load_request again = *rq;

	again.log = xcalloc(1, LOG_SIZE);
	again.log_size = LOG_SIZE;
	load_prog(&again);
	fprintf(stderr, "%s\n", again.log);
	free(again.log);
}

int engine_load_failed(struct engine *e, uint32_t h, const struct load_request *rq, int err)
{
	if (err == -EPERM && geteuid() != 0)
		return engine_not_permitted(e);
	if (e->opt.show_log)
		show_log(rq);
	return engine_fail(e, err, "the kernel refuses the program of probe handler %u "
			   "(%zu instructions): %s%s", h, (size_t)arrlen(rq->em->insns),
			   strerror(-err), e->opt.show_log ? "" : "; -v shows why");
}

/* The program of one point alone, which knows its index. */
static int load_point(struct engine *e, uint32_t h, uint32_t point, struct load_request *rq)
{
	const struct gen *g = &e->gens[h];

	for (ptrdiff_t i = 0; i < arrlen(g->cookies); i++)
		rq->em->insns[g->cookies[i]].imm = (int32_t)point;
	rq->target = e->p->points[point].name;
	e->point_fds[point] = load_prog(rq);
	if (e->fds[h] < 0)
		e->fds[h] = e->point_fds[point];
	return e->point_fds[point] < 0 ? engine_load_failed(e, h, rq, e->point_fds[point]) : 0;
}

/* Are all points of the handler functions of the kernel? */
static bool is_kernel_function(const struct engine *e, uint32_t h)
{
	bool any = false;

	for (ptrdiff_t i = 0; i < arrlen(e->p->points); i++) {
		if (e->p->points[i].handler == h && e->p->points[i].kind != POINT_KFUNC)
			return false;
		any |= e->p->points[i].handler == h;
	}
	return any;
}

static int load_handler(struct engine *e, uint32_t h)
{
	bool own = gen_own_programs(&e->gens[h]), any = false;
	char name[BPF_OBJ_NAME_LEN];
	struct load_request rq = {
		.em = &e->gens[h].em, .kind = e->p->handlers[h].kind, .sleepable = e->gens[h].sleepable,
		.uprobe_multi = e->opt.uprobe_multi, .name = name, .btf = &e->btf, .map_fds = e->map_fds,
		.kprobe_multi = e->opt.kprobe_multi && is_kernel_function(e, h) &&
				!(e->opt.no_multi && e->opt.no_multi[h]) &&
				!(e->opt.by_address && e->opt.by_address[h]),
	};

	if (gen_is_syscall(&e->gens[h]))
		return bundle_alone(e, h);
	snprintf(name, sizeof(name), "stap_%u", h);
	for (ptrdiff_t i = 0; own && i < arrlen(e->p->points); i++) {
		int err = e->p->points[i].handler == h ? load_point(e, h, (uint32_t)i, &rq) : 0;

		if (err)
			return err;
		any |= e->p->points[i].handler == h;
	}
	if (any)
		return 0;
	e->fds[h] = load_prog(&rq);
	if (e->fds[h] < 0)
		return engine_load_failed(e, h, &rq, e->fds[h]);
	for (ptrdiff_t i = 0; i < arrlen(e->p->points); i++)
		if (e->p->points[i].handler == h)
			e->point_fds[i] = e->fds[h];
	return 0;
}

int engine_load(struct engine *e)
{
	uint32_t coll = (uint32_t)offsetof(struct coll, e) +
			e->unit.coll_cap * (uint32_t)sizeof(struct coll_elem);
	int err = maps_create(e);

	if (err)
		return err;
	err = load_btf(&e->btf, e->unit.slot_size, coll);
	if (err)
		return engine_fail(e, err, "the kernel refuses the type information: %s", strerror(-err));
	bundles_load(e);
	for (ptrdiff_t h = 0; h < arrlen(e->p->handlers) && !err; h++)
		if (in_kernel(e, h) && e->fds[h] < 0)
			err = load_handler(e, (uint32_t)h);
	if (!err && e->p->target)
		err = engine_target_set(e, e->p->target);
	if (!err)
		e->store = mapstore_create(e);
	return err;
}

static void set_active(struct engine *e, uint32_t on)
{
	if (e->vars)
		__atomic_store_n((uint32_t *)(e->vars + VARS_ACTIVE), on, __ATOMIC_SEQ_CST);
}

static void change_state(struct engine *e, uint32_t from, uint32_t to)
{
	if (e->vars)
		__atomic_compare_exchange_n((uint32_t *)(e->vars + VARS_ACTIVE), &from, to, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST);
}

void engine_change_begin(struct engine *e)
{
	if (e->unit.nesting.free_inners)
		change_state(e, ACTIVE_ON, ACTIVE_CHANGE);
}

void engine_change_end(struct engine *e)
{
	if (e->unit.nesting.free_inners)
		change_state(e, ACTIVE_CHANGE, ACTIVE_ON);
}

int engine_activate(struct engine *e)
{
	int err = track_start(e);

	if (!err)
		err = counters_open(e);
	if (!err)
		set_active(e, ACTIVE_ON);
	return err;
}

void engine_deactivate(struct engine *e)
{
	set_active(e, 0);
	track_stop(e);
	engine_begun_stop(e);
}

void engine_destroy(struct engine *e)
{
	if (!e)
		return;
	engine_deactivate(e);
	if (e->store)
		e->store->ops->destroy(e->store);
	for (ptrdiff_t i = 0; i < arrlen(e->point_fds); i++)
		if (e->point_fds[i] >= 0 && e->point_fds[i] != e->fds[e->p->points[i].handler])
			close(e->point_fds[i]);
	for (ptrdiff_t i = 0; i < arrlen(e->fds); i++)
		if (e->fds[i] >= 0 && !bundle_owns(e, e->fds[i]))
			close(e->fds[i]);
	for (ptrdiff_t h = 0; h < arrlen(e->p->handlers); h++)
		if (e->generated[h])
			gen_fini(&e->gens[h]);
	bundles_close(e);
	names_close(e);
	rings_close(e);
	maps_close(e);
	load_btf_close(&e->btf);
	layout_fini(&e->unit.lo);
	free(e->unit.nesting.inner);
	arrfree(e->unit.pool);
	shfree(e->unit.pool_index);
	arrfree(e->unit.sites);
	arrfree(e->fds);
	arrfree(e->point_fds);
	free(e->gens);
	free(e->generated);
	free(e);
}

const int *engine_handler_fds(const struct engine *e)
{
	return e->fds;
}

struct ir_store *engine_store(struct engine *e)
{
	return e->store;
}

const int *engine_point_fds(const struct engine *e)
{
	return e->point_fds;
}

uint64_t engine_count(const struct engine *e, uint32_t point, enum wire_count which)
{
	const uint64_t *c;

	if (!e->vars || point >= (uint32_t)arrlen(e->p->points) || which >= WCNT_COUNT)
		return 0;
	c = (const uint64_t *)(e->vars + e->unit.lo.counters) + (size_t)point * WCNT_COUNT + which;
	return __atomic_load_n(c, __ATOMIC_RELAXED);
}

static uint64_t program_missed(int fd)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);

	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) ? info.recursion_misses : 0;
}

uint64_t engine_missed(const struct engine *e)
{
	uint64_t n = 0;

	for (ptrdiff_t i = 0; i < arrlen(e->point_fds); i++)
		if (e->point_fds[i] != e->fds[e->p->points[i].handler])
			n += program_missed(e->point_fds[i]);
	for (ptrdiff_t h = 0; h < arrlen(e->fds); h++)
		if (!bundle_owns(e, e->fds[h]))
			n += program_missed(e->fds[h]);
	for (size_t i = 0; i < arrlenu(e->bundle_fds); i++)
		n += program_missed(e->bundle_fds[i]);
	return n;
}

const struct span *engine_site(const struct engine *e, uint32_t site)
{
	return site < (uint32_t)arrlen(e->unit.sites) ? &e->unit.sites[site] : NULL;
}

size_t engine_insn_count(const struct engine *e, uint32_t handler)
{
	return handler < (uint32_t)arrlen(e->fds) && e->generated[handler] ?
	       (size_t)arrlen(e->gens[handler].em.insns) : 0;
}

int engine_test_run(struct engine *e, uint32_t handler, const uint64_t *args, uint32_t nargs, int cpu)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .ctx_in = args, .ctx_size_in = nargs * 8);
	int fd = handler < (uint32_t)arrlen(e->fds) ? e->fds[handler] : -1;

	if (fd < 0)
		return -EINVAL;
	if (cpu >= 0) {
		o.flags = BPF_F_TEST_RUN_ON_CPU;
		o.cpu = (__u32)cpu;
	}
	return bpf_prog_test_run_opts(fd, &o) ? -errno : 0;
}

bool engine_wants_bias(const struct engine *e)
{
	return e->unit.wants_bias;
}

static uint64_t bias_key(pid_t tgid, uint32_t module)
{
	return (uint64_t)module << 32 | (uint32_t)tgid;
}

int engine_bias_set(struct engine *e, pid_t tgid, uint32_t module, int64_t bias)
{
	uint64_t key = bias_key(tgid, module);

	if (e->map_fds[MAP_BIAS] < 0)
		return 0;
	return bpf_map_update_elem(e->map_fds[MAP_BIAS], &key, &bias, BPF_ANY) ? -errno : 0;
}

void engine_bias_del(struct engine *e, pid_t tgid, uint32_t module)
{
	uint64_t key = bias_key(tgid, module);

	if (e->map_fds[MAP_BIAS] >= 0)
		bpf_map_delete_elem(e->map_fds[MAP_BIAS], &key);
}

int engine_target_set(struct engine *e, pid_t pid)
{
	int64_t v = pid;

	memcpy(e->vars + VARS_TARGET, &v, sizeof(v));
	return pid ? engine_target_add(e, pid) : 0;
}

int engine_target_add(struct engine *e, pid_t pid)
{
	uint64_t key = (uint32_t)pid;
	uint8_t one = 1;

	if (e->map_fds[MAP_TARGETS] < 0)
		return 0;
	if (!bpf_map_update_elem(e->map_fds[MAP_TARGETS], &key, &one, BPF_ANY))
		return 0;
	return engine_fail(e, -errno, "cannot note process %d as the target's: %s", (int)pid, strerror(errno));
}
