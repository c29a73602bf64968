# To be sourced: a small experiment of each mode as $scratch/MODE.json, about the world in $world.

experiment() { # MODE ALGORITHM RUN EVALUATE
    cat >"$scratch/$1.json" <<JSON
{ "model": "$world", "data": { "path": "$world/facts.json", "count": 5 },
  "covariance": { "corpus": "$world/corpus.txt" }, "algorithm": $2,
  "metrics": ["efficacy", "neighborhood", "norm"],
  "run": { $3 }, "evaluate": { "texts": 1, "text_length": 8$4 } }
JSON
}
few='"v_num_grad_steps": 4'
experiment single "{\"name\": \"rome\", \"layers\": [1], $few}" '"mode": "single"' ''
experiment batch "{\"name\": \"emmet\", \"layers\": [0], $few}" '"mode": "batch", "batch_size": 2' ''
experiment sequential "{\"name\": \"alphaedit\", \"layers\": [0], $few}" '"mode": "sequential"' \
    ', "retained": {"every": 2}'
experiment sequential-batched "{\"name\": \"memit\", \"layers\": [0, 1], $few}" \
    '"mode": "sequential-batched", "batch_size": 2' ', "retained": {"every": 3}'
