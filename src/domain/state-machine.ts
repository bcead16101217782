// State machines as data: a table of events, from which states each may come and to which it leads. Tests walk every
// state and event. It decides only whether and where to; what else changes belongs to the rules of each resource.

export type Move<S extends string> = { readonly to: S; readonly refused?: undefined };
/** `refused` is an error code of the service (api/errors.ts). */
export type Refusal<C extends string> = { readonly refused: C; readonly to?: undefined };

export type StateMachine<S extends string, E extends string, C extends string> = {
  readonly states: readonly S[];
  readonly events: readonly E[];
  next(state: S, event: E): Move<S> | Refusal<C>;
};

/** `from` states and the one they lead to; `stay` leaves the state as it is. */
export type Row<S extends string> = readonly [from: readonly S[], to: S | "stay"];

export const stateMachine = <const S extends string, const E extends string, const R extends Readonly<Record<S, string>>>(definition: {
  states: readonly S[];
  events: Readonly<Record<E, readonly Row<NoInfer<S>>[]>>;
  /** The code that answers an event that the state does not allow. */
  refuse: R;
}): StateMachine<S, E, R[S]> => {
  const events = Object.keys(definition.events) as E[];
  return {
    states: definition.states,
    events,
    next: (state, event) => {
      const row = definition.events[event].find(([from]) => from.includes(state));
      if (row !== undefined) return { to: row[1] === "stay" ? state : row[1] };
      return { refused: definition.refuse[state] };
    },
  };
};
