// The Durable Object that records the DPoP proofs of one key (RFC 9449 section 11.1). Its name is
// the thumbprint of the key, so it is created near the client that has the key.

/** How much longer a proof is kept than it is valid, in seconds: clocks differ, and calls wait. */
const MARGIN = 15;

const TABLE =
  "CREATE TABLE IF NOT EXISTS proofs (id TEXT PRIMARY KEY, expires INTEGER) WITHOUT ROWID";

export class ProofReplay {
  /** @param {DurableObjectState} state */
  constructor(state) {
    this.storage = state.storage;
  }

  /**
   * Records a proof: `PUT /PROOF?EXPIRES`. Responds with 201 at its first use, and with 409 later.
   *
   * Nothing is awaited before the proof is recorded, so no two requests can both be the first, and
   * the runtime sends the response only once the record is durable.
   *
   * @param {Request} request
   */
  async fetch(request) {
    const { pathname, search } = new URL(request.url);
    const expires = Number(search.slice(1)) + MARGIN;
    if (request.method !== "PUT" || !Number.isSafeInteger(expires)) {
      return new Response(null, { status: 400 });
    }
    const { sql } = this.storage;
    sql.exec(TABLE);
    const insert = "INSERT OR IGNORE INTO proofs VALUES (?, ?) RETURNING id";
    const isFirst = sql.exec(insert, pathname, expires).toArray().length > 0;
    if (isFirst && (await this.storage.getAlarm()) === null) {
      await this.storage.setAlarm(1000 * expires);
    }
    return new Response(null, { status: isFirst ? 201 : 409 });
  }

  /**
   * Deletes the proofs that have expired, and with the last one the object's storage. The next alarm
   * is due when all proofs have expired that there are now, so that a busy client causes few.
   */
  async alarm() {
    const { sql } = this.storage;
    sql.exec(TABLE);
    sql.exec("DELETE FROM proofs WHERE expires <= ?", Math.floor(Date.now() / 1000));
    const { next } = sql.exec("SELECT MAX(expires) AS next FROM proofs").one();
    if (next === null) {
      await this.storage.deleteAll();
    } else {
      await this.storage.setAlarm(1000 * Number(next));
    }
  }
}
