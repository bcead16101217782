// Why an import failed: the closed list of codes that an image's status.errorCode may hold. No catalogue of the service's own codes is
// published, so these are ours. Messages name what the user named, and never a query (it may hold a signature) or a path of the server.

export const importFailureCodes = [
  /** The path is not below a directory that the operator allows (--allow-image-path). */
  "ImagePathNotAllowed",
  /** There is no such file, or the server answers 404 or 410. */
  "ImageSourceNotFound",
  /** Not a regular file, not an http(s) URL. */
  "ImageSourceInvalid",
  /** No answer, a broken connection, a stalled transfer, an answer of 5xx, after some attempts. */
  "ImageSourceUnreachable",
  /** The server answers 401 or 403 (an expired signature), or the file may not be read. */
  "ImageSourceForbidden",
  /** A URL that leads to a loopback or private address. */
  "ImageSourceAddressRefused",
  /** The bytes are not those of the expected SHA-256. */
  "ImageDigestMismatch",
  /** Neither an archive nor a disk image that we know. */
  "ImageFormatUnknown",
  /** Known, but not without a program or a privilege that is missing here; the message says which. */
  "ImageFormatNotSupportedHere",
  /** Truncated or damaged. */
  "ImageArchiveCorrupt",
  /** It would write outside its own directory, or reads other files of the server. */
  "ImageArchiveUnsafe",
  /** It was unpacked, and is no Linux system for this machine. */
  "ImageNotLinuxRootfs",
  /** The operator's marketplace file is missing or makes no sense; the log says what is wrong. */
  "MarketplaceNotUsable",
  /** No room for it. */
  "InsufficientStorage",
] as const;

export type ImportFailureCode = (typeof importFailureCodes)[number];

/** The import ended for a reason that the user can read: fit for `status.errorCode` and `status.errorMessage`. */
export class ImportFailed extends Error {
  override readonly name = "ImportFailed";
  readonly code: ImportFailureCode;
  constructor(code: ImportFailureCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** What the system says about a full disk, whichever call it comes from. */
export const isDiskFull = (error: unknown): boolean => {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === "ENOSPC" || code === "EDQUOT";
};

export const insufficientStorage = (cause?: unknown): ImportFailed =>
  new ImportFailed("InsufficientStorage", "There is not enough free space in the directory that the image would be kept in.", { cause });
