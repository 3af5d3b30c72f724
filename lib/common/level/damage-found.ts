/** Damage in the files of a database; the message names the file. */
export class DamageFound extends Error {}
