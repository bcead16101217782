// Failures of tasks and nodes as clients see them: the service writes their category capitalised (reference/real-behaviours.md section 3).
import type { Failure } from "../../../api/agent/messages.ts";
import type { TaskFailureInformation } from "../../../api/batch/failures.ts";
import type { Infer } from "../../../api/fields.ts";
import { type Instant, isoTime } from "../../../lib/clock.ts";

export const failureView = (failure: Failure | undefined): Infer<typeof TaskFailureInformation> | undefined =>
  failure === undefined ? undefined : { ...failure, category: failure.category === "usererror" ? "UserError" : "ServerError" };

export const optionalTime = (at: Instant | undefined): string | undefined => (at === undefined ? undefined : isoTime(at));
