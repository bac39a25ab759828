-- Verdicts in PostgreSQL, each once, and up to where nothing is lacking. Run this file once; then, for each message:
--
--   BEGIN;
--   SELECT is_new, upto FROM station_take('0815', 'vs-03', 'EPOCH', 17, 'EVENT-ID', '\x…'::bytea, '[["late", "true"]]');
--   -- only if is_new: whatever the verdict is to cause, in this same transaction
--   COMMIT;
--   -- then PUBACK to the broker, and `upto` as ack/verdict, retained
--
-- Several consumers may do so at once: those of one station and epoch wait for each other, all others do not.

CREATE TABLE station_verdict (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  store text NOT NULL, station text NOT NULL, epoch text NOT NULL, seq bigint NOT NULL CHECK (seq >= 1),
  event_id text NOT NULL,
  payload bytea NOT NULL,     -- the bytes as they came: signatures are over them
  properties jsonb NOT NULL,  -- user properties: signature, keyid, prevhash, hash, late
  stored_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (store, station, epoch, seq)
);

CREATE TABLE station_prefix (
  store text NOT NULL, station text NOT NULL, epoch text NOT NULL,
  upto bigint NOT NULL DEFAULT 0,     -- all from 1 to here are stored
  highest bigint NOT NULL DEFAULT 0,  -- above `upto`: something is lacking; ask for it with cmd/resend
  PRIMARY KEY (store, station, epoch)
);

CREATE FUNCTION station_take(
  of_store text, of_station text, of_epoch text, of_seq bigint, of_event text, of_payload bytea, of_properties jsonb,
  OUT is_new boolean, OUT upto bigint
) LANGUAGE plpgsql AS $$
DECLARE
  inserted integer := 0;
BEGIN
  INSERT INTO station_prefix (store, station, epoch) VALUES (of_store, of_station, of_epoch) ON CONFLICT DO NOTHING;
  SELECT p.upto INTO upto FROM station_prefix p
    WHERE p.store = of_store AND p.station = of_station AND p.epoch = of_epoch FOR UPDATE;
  IF of_seq > upto THEN  -- others are there, even if their rows were deleted since
    INSERT INTO station_verdict (store, station, epoch, seq, event_id, payload, properties)
      VALUES (of_store, of_station, of_epoch, of_seq, of_event, of_payload, of_properties) ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS inserted = ROW_COUNT;
  END IF;
  is_new := inserted = 1;
  WHILE EXISTS (
    SELECT FROM station_verdict v
      WHERE v.store = of_store AND v.station = of_station AND v.epoch = of_epoch AND v.seq = station_take.upto + 1
  ) LOOP
    upto := upto + 1;
  END LOOP;
  UPDATE station_prefix p SET upto = station_take.upto, highest = greatest(p.highest, of_seq)
    WHERE p.store = of_store AND p.station = of_station AND p.epoch = of_epoch;
END $$;
