-- Sends prepared requests over one connection for each thread, one after the other from a place of
-- the thread's own, and checks every answer: its status, how many tasks it has, and whose they are.
-- The requests are a Lua file: { {method, path, headers, body, status, owner, count}, ... }. Where one
-- has ##########, it gets a number that no other request of this and the next hundred runs has.
local threads = {}

function setup(thread)
  thread:set('number', #threads)
  table.insert(threads, thread)
end

function init(args)
  plan = dofile(args[1])
  at = (number * 7919) % #plan
  sent = 0
  salt = string.format('%02d%02d', args[2] % 100, number)
  answers, wrong, example = 0, 0, ''
  written = 0
  for _, request in ipairs(plan) do
    request.text = wrk.format(request.method, request.path, request.headers, request.body)
    local first, last = string.find(request.text, '##########', 1, true)
    if first then
      request.before, request.after = string.sub(request.text, 1, first - 1), string.sub(request.text, last + 1)
    end
    request.mark = request.owner and '"user_id":"' .. request.owner .. '"'
  end
end

function request()
  at = at % #plan + 1
  current = plan[at]
  if not current.before then return current.text end
  sent = sent + 1
  return current.before .. salt .. string.format('%06d', sent) .. current.after
end

local function occurrences(text, mark)
  local count, from = 0, 1
  while true do
    local _, stop = string.find(text, mark, from, true)
    if not stop then return count end
    count, from = count + 1, stop
  end
end

function response(status, headers, body)
  answers = answers + 1
  local right = status == current.status
  if right and current.mark then
    right = occurrences(body, current.mark) == current.count
      and occurrences(body, '"user_id":') == current.count
  end
  if not right then
    wrong = wrong + 1
    example = current.method .. ' ' .. current.path .. ': ' .. status .. ' ' .. string.sub(body, 1, 200)
  elseif current.method ~= 'GET' then
    written = written + 1
  end
end

function done(summary, latency)
  local total, bad, writes, seen = 0, 0, 0, ''
  for _, thread in ipairs(threads) do
    total, bad = total + thread:get('answers'), bad + thread:get('wrong')
    writes = writes + thread:get('written')
    if thread:get('example') ~= '' then seen = thread:get('example') end
  end
  local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format('RESULT %d %d %d %d %.3f %.3f %.3f\n', total, bad, writes, lost,
    summary.duration / 1000000, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
  io.write('EXAMPLE ' .. seen .. '\n')
end
