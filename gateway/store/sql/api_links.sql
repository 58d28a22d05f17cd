-- Short links: where they lead, and how often they were opened.

-- name: link_by_id
-- Whose link it is, and where it leads.
SELECT link_id, account, url FROM short_link WHERE link_id = ?;
