-- What its sender calls an ended message: only those that were called something cost anything.
CREATE INDEX history_client ON history (client_id) WHERE client_id <> '';

-- Dead deliveries are found again by their id and by their account.
CREATE INDEX dead_delivery_id ON dead_delivery (delivery_id);
CREATE INDEX dead_delivery_account ON dead_delivery (account, delivery_id);
