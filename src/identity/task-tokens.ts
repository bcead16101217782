// The tokens of tasks: signed when the order for an attempt is made, read when a task shows one. Each names one attempt and outlives it only on
// paper: at every use it is asked whether that attempt still runs (auth/account-door.ts), so that none has to be taken back.
import { decodeProtectedHeader } from "jose/decode/protected_header";
import { JWTExpired } from "jose/errors";
import { jwtVerify } from "jose/jwt/verify";
import { type TaskTokenVerifier, taskTokenType } from "../auth/task-tokens.ts";
import { TokenRefused } from "../auth/tokens.ts";
import type { TaskAttempt } from "../domain/tasks.ts";
import type { IssuerParts } from "./issue.ts";

export type TaskTokens = TaskTokenVerifier & {
  /** About a millisecond of processor time, on another thread. */
  issue(attempt: TaskAttempt): Promise<string>;
};

/** In seconds: as long as the service lets a task exist. The wall clock of an attempt begins later than its token and is the agent's to watch. */
export const taskTokenLifetime = 180 * 24 * 3600;

/** Not one of a plane's: who trusts our issuer for one of those and does not look at the type must not take these either. */
const audienceOf = (issuer: string): string => `${issuer}task`;

export const createTaskTokens = ({ issuer, key, clock }: Pick<IssuerParts, "issuer" | "key" | "clock">): TaskTokens => ({
  issue: async (attempt) => {
    const now = Math.floor(clock.now() / 1000);
    const claims = { iss: issuer, aud: audienceOf(issuer), iat: now, exp: now + taskTokenLifetime, attempt };
    return (await key).sign(claims, taskTokenType);
  },
  isOne: (token) => {
    try {
      return decodeProtectedHeader(token).typ === taskTokenType;
    } catch {
      return false;
    }
  },
  verify: async (token) => {
    try {
      const { payload } = await jwtVerify<{ attempt: TaskAttempt }>(token, (await key).publicKey, {
        algorithms: ["RS256"],
        typ: taskTokenType,
        issuer,
        audience: audienceOf(issuer),
        requiredClaims: ["exp", "attempt"],
        currentDate: new Date(clock.now()),
      });
      return payload.attempt;
    } catch (error) {
      const options = { cause: error };
      if (error instanceof JWTExpired) throw new TokenRefused("expired", "The task's token has expired.", {}, options);
      throw new TokenRefused("signature", "The task's token cannot be verified.", {}, options);
    }
  },
});
