-- Sends prepared requests by turns over all connections, and looks at no response. With `deletes`, what
-- a response has created is deleted by the next request. Where a request has ##########, it gets a
-- number of its own, and where it has @@@@, up to four hexadecimal digits.
function init(args)
  plan = dofile(args[1])
  at, sent, created = 0, 0, {}
  for _, one in ipairs(plan) do
    one.text = wrk.format(one.method, one.path, one.headers, one.body)
    one.varies = string.find(one.text, '##########', 1, true) or string.find(one.text, '@@@@', 1, true)
  end
  if not plan.deletes then return end
  response = function(status, headers, body)
    if status == 201 then table.insert(created, string.match(body, '"id":"([^"]+)"')) end
  end
end

function request()
  if #created > 0 then
    return wrk.format('DELETE', '/api/tasks/' .. table.remove(created), plan[1].headers)
  end
  at = at % #plan + 1
  if not plan[at].varies then return plan[at].text end
  sent = sent + 1
  local text = string.gsub(plan[at].text, '##########', string.format('%010d', sent))
  return (string.gsub(text, '@@@@', string.format('%x', sent % 65536)))
end
