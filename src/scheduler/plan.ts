// Which task goes to which node: a pure function of a snapshot. It knows nothing of the store, of agents or of time; loop.ts
// builds the snapshot, commits what is decided here and may find that the world has moved on.

export type PlanNode = {
  readonly id: string;
  readonly slots: number;
  /** Slots of all tasks placed on it, whether they have started or wait there; may exceed `slots`. */
  readonly used: number;
  /** How many slots' worth of tasks may wait on it beyond its own: its recent tasks tell (prefetch.ts). */
  readonly depth: number;
  /** Tasks placed on it that have not started, oldest first. */
  readonly unstarted: readonly { readonly key: string; readonly slots: number }[];
};

export type PlanTask = {
  readonly seq: number;
  readonly slots: number;
  /** The node that it would rather run on. */
  readonly affinityNode?: string;
  /** It has waited so long that smaller tasks behind it must let it pass. */
  readonly overdue?: boolean;
};

export type PlanJob = {
  readonly uid: number;
  readonly priority: number;
  /** Tasks of the job that are placed already, and how many may be. */
  readonly placed: number;
  readonly maxParallel: number;
  /** As `depth` of a node: what the job's own recent tasks tell. */
  readonly depth: number;
  /** Ready to run, in creation order. */
  readonly ready: readonly PlanTask[];
};

export type Snapshot = { readonly fill: "spread" | "pack"; readonly nodes: readonly PlanNode[]; readonly jobs: readonly PlanJob[] };

export type Placement = {
  readonly jobUid: number;
  readonly seq: number;
  readonly nodeId: string;
  /** It will wait on the node for a slot, and can be taken back until it has one. */
  readonly ahead: boolean;
};

export type Plan = {
  readonly placements: readonly Placement[];
  /** Keys of tasks that wait on a node while another is free. */
  readonly withdrawals: readonly string[];
};

type Seat = { readonly node: PlanNode; used: number; reserved: boolean };

/**
 * Places tasks by priority of their jobs, then by age of job and task. Where one does not fit now, smaller ones behind it go first, until
 * it is overdue: then it keeps a node from those behind it. One that no node could hold is passed over.
 */
export const plan = (snapshot: Snapshot): Plan => {
  const seats = snapshot.nodes.map((node): Seat => ({ node, used: node.used, reserved: false }));
  const placements: Placement[] = [];
  const jobs = [...snapshot.jobs].sort((a, b) => b.priority - a.priority || a.uid - b.uid);
  /** The highest priority of a task that waits: nothing less important is given ahead, for it would be in front of that task. */
  let waiting = Number.NEGATIVE_INFINITY;
  for (const each of jobs) {
    const job = each.priority < waiting ? { ...each, depth: 0 } : each;
    let placed = job.placed;
    for (const task of job.ready) {
      if (placed >= job.maxParallel) break;
      const full = seats.every((seat) => room(seat, job) <= 0);
      const chosen = full ? undefined : seatFor(seats, task, job, snapshot.fill);
      if (chosen === undefined) {
        if (seats.some((seat) => task.slots <= seat.node.slots)) waiting = Math.max(waiting, job.priority);
        if (full) break;
        if (task.overdue === true) reserve(seats, task);
        continue;
      }
      const ahead = free(chosen) < task.slots;
      chosen.used += task.slots;
      placed += 1;
      placements.push({ jobUid: job.uid, seq: task.seq, nodeId: chosen.node.id, ahead });
    }
  }
  return { placements, withdrawals: withdrawals(snapshot, seats, placements) };
};

const free = (seat: Seat): number => seat.node.slots - seat.used;
const room = (seat: Seat, job: PlanJob): number => (seat.reserved ? 0 : free(seat) + Math.min(seat.node.depth, job.depth));

const seatFor = (seats: readonly Seat[], task: PlanTask, job: PlanJob, fill: Snapshot["fill"]): Seat | undefined => {
  const fits = (seat: Seat): boolean => !seat.reserved && free(seat) >= task.slots;
  const wanted = task.affinityNode === undefined ? undefined : seats.find((seat) => seat.node.id === task.affinityNode);
  if (wanted !== undefined && fits(wanted)) return wanted;
  const now = best(seats, fits, (seat) => (fill === "spread" ? -free(seat) : free(seat)));
  if (now !== undefined) return now;
  // Nodes start their tasks in order: a wide one in the queue would keep free slots from the narrow ones behind it, for as long as what runs.
  if (task.slots > 1) return undefined;
  const mayWait = (seat: Seat): boolean => room(seat, job) >= task.slots;
  return best(seats, mayWait, (seat) => -free(seat));
};

/** The allowed seat of least cost; the first of equals. */
const best = (seats: readonly Seat[], allowed: (seat: Seat) => boolean, cost: (seat: Seat) => number): Seat | undefined => {
  let found: Seat | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const seat of seats) {
    if (!allowed(seat)) continue;
    const its = cost(seat);
    if (its < least) {
      found = seat;
      least = its;
    }
  }
  return found;
};

/** Keeps for the task the node that is nearest to having room for it. */
const reserve = (seats: readonly Seat[], task: PlanTask): void => {
  const seat = best(
    seats,
    (one) => !one.reserved && one.node.slots >= task.slots,
    (one) => task.slots - free(one),
  );
  if (seat !== undefined) seat.reserved = true;
};

/**
 * Slots stay free though tasks wait on busy nodes: takes back the last of those, from the longest queue first, each for a node that has
 * room for the whole of it (else it would be given ahead again, and taken back again).
 */
const withdrawals = (snapshot: Snapshot, seats: readonly Seat[], placements: readonly Placement[]): string[] => {
  if (placements.some((placement) => placement.ahead)) return [];
  const spare = seats.filter((seat) => !seat.reserved && free(seat) > 0).map(free);
  const taken: string[] = [];
  const queues = [...snapshot.nodes].sort((a, b) => b.used - b.slots - (a.used - a.slots));
  for (const node of queues) {
    let waiting = node.used - node.slots;
    for (const task of [...node.unstarted].reverse()) {
      const room = spare.findIndex((slots) => slots >= task.slots);
      if (waiting <= 0 || room === -1) break;
      taken.push(task.key);
      waiting -= task.slots;
      spare[room]! -= task.slots;
    }
  }
  return taken;
};
