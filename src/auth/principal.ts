// Who asks. Every handler gets one; several accounts and roles come with the management plane and change only this file's makers.

export type Principal = {
  accountId: number;
  accountName: string;
  /** How it proved itself. */
  by: "sharedKey";
};
