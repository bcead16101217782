// A message for the person at the terminal: printed as one line without a stack, exit code 2 (wrong use) or 1 (it went wrong).

export class UserError extends Error {
  override readonly name = "UserError";
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
