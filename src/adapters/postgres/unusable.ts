/** This program can never use the database as it is; nothing here may touch it. */
export class UnusableDatabaseError extends Error {}
