// The bell that operations ring after a commit, so that the loop concerned looks at once instead of polling.
// Ringing is free, may happen twice, and carries no data: whoever is woken reads the store.

export interface Wake {
  /** Tasks, nodes or jobs of this pool changed: its scheduler loop looks again. */
  pool(accountId: number, poolKey: string): void;
  /** The pool's own state, targets or formula changed: the reconcilers of resizing, deletion and automatic scaling look again. */
  resize(accountId: number, poolKey: string): void;
  /** These nodes are no pool's any more: they are removed where they are. (Lost on the way, it is noticed at their agent's next hello.) */
  removed(nodes: readonly { id: string; agentId?: string }[]): void;
  /** The job has something under way (disable, terminate, delete, all tasks complete). */
  job(accountId: number, jobKey: string): void;
  /** The job schedule is new, was changed, or has something under way (terminate, delete). */
  jobSchedule(accountId: number, scheduleKey: string): void;
  /** The deletion of the certificate is under way. */
  certificate(accountId: number, certificateKey: string): void;
  /** The deletion of the resource group is under way. */
  resourceGroup(name: string): void;
  /** The account is to go, with all that is in it. */
  account(accountId: number): void;
  /** These attempts are not wanted any more: tell their agents to stop them (what the store says decides). */
  stop(attempts: readonly { accountId: number; jobUid: number; seq: number; attempt: number; nodeId: string }[]): void;
  /** Chores were added for these nodes. */
  chores(nodes: readonly { accountId: number; nodeId: string }[]): void;
}
