/** A form of bash that cannot be expanded; the message says what is wrong with it. */
export class BadForm extends Error {}
