# The report of the sample panel, and response rates, bounds and tipping points: base R.
#
#   Rscript tests/unit/reporting/oracle/generate_report.R > tests/unit/reporting/oracle/r_report.json
#
# Written from the definitions (AAPOR's Standard Definitions, the NRMP's rates, Manski's bounds), from
# the panel's and the benchmarks' own text. The version of R is written into the file.

text <- function(v) {
  if (is.list(v)) {
    body <- vapply(v, text, "")
    if (is.null(names(v))) return(paste0("[", paste(body, collapse = ",\n"), "]"))
    return(paste0("{", paste(sprintf("\"%s\": %s", names(v), body), collapse = ", "), "}"))
  }
  if (length(v) > 1) return(paste0("[", paste(vapply(v, text, ""), collapse = ", "), "]"))
  if (is.character(v)) return(sprintf("\"%s\"", v))
  if (is.logical(v) && !is.na(v)) return(if (v) "true" else "false")
  if (is.na(v) || !is.finite(v)) return("null")
  if (v == round(v) && abs(v) < 1e15) return(sprintf("%.0f", v))
  sprintf("%.17g", v)
}

score <- function(x, n) {
  as.numeric(suppressWarnings(prop.test(x, n, correct = FALSE))$conf.int)
}

response <- function(I, P, R, NC, O, UH, UO, e) {
  known <- I + P + R + NC + O
  unknown <- UH + UO
  list(e = e,
       RR1 = I / (known + unknown), RR2 = (I + P) / (known + unknown),
       RR3 = I / (known + e * unknown), RR4 = (I + P) / (known + e * unknown),
       RR5 = I / known, RR6 = (I + P) / known,
       COOP1 = I / (I + P + R + O), COOP2 = (I + P) / (I + P + R + O),
       COOP3 = I / (I + P + R), COOP4 = (I + P) / (I + P + R),
       REF1 = R / (known + unknown), REF2 = R / (known + e * unknown), REF3 = R / known,
       CON1 = (I + P + R + O) / (known + unknown),
       CON2 = (I + P + R + O) / (known + e * unknown), CON3 = (I + P + R + O) / known)
}

outcomes <- list(c(106, 14, 14, 152, 1, 0, 0, 13), c(450, 30, 60, 200, 20, 150, 90, 40),
                 c(1, 0, 0, 0, 0, 7, 3, 2), c(812, 95, 310, 401, 12, 55, 0, 0),
                 c(9, 1, 5, 3, 2, 11, 4, 6), c(100, 0, 0, 0, 0, 0, 0, 0))
aapor <- list()
for (o in outcomes) for (share in list(NULL, 0.5, 0.9)) {
  known <- sum(o[1:5])
  e <- if (is.null(share)) known / (known + o[8]) else share
  case <- as.list(setNames(o, c("I", "P", "R", "NC", "O", "UH", "UO", "NE")))
  if (!is.null(share)) case$e <- share
  aapor[[length(aapor) + 1]] <- list(
    input = case, answer = response(o[1], o[2], o[3], o[4], o[5], o[6], o[7], e))
}

bounds <- list()
tipping <- list()
for (b in list(c(60, 81, 173), c(76, 100, 122), c(0, 4, 9), c(5, 5, 1), c(450, 900, 1100))) {
  bounds[[length(bounds) + 1]] <- list(
    x = b[1], answered = b[2], silent = b[3],
    known = list(estimate_respondents = b[1] / b[2], lower = b[1] / (b[2] + b[3]),
                 upper = (b[1] + b[3]) / (b[2] + b[3]), width = b[3] / (b[2] + b[3])),
    unknown = list(estimate_respondents = b[1] / b[2], lower = b[1] / (b[2] + b[3]),
                   upper = (b[1] + b[3]) / (b[2] + b[3])))
  for (rate in c(0.2, 0.612, 0.67)) {
    # the rate of the silent at which all together are at the benchmark, found by looking for it
    gap <- function(s) (b[1] + s * b[3]) / (b[2] + b[3]) - rate
    root <- uniroot(gap, c(-1000, 1000), tol = 1e-14)$root
    tipping[[length(tipping) + 1]] <- list(
      x = b[1], answered = b[2], silent = b[3], benchmark = rate, rate = root,
      possible = root >= 0 && root <= 1)
  }
}

data <- "marketplace/reporting/data"
panel <- read.csv(file.path(data, "sample_panel.csv"), colClasses = "character")
figures <- read.csv(file.path(data, "match_benchmarks.csv"), colClasses = "character")
populations <- c(all = "img", us_img = "us_img", non_us_img = "non_us_img")

# The rate of 2024 that was published for a population, from the counts where both are known.
national <- function(group) {
  of <- figures[figures$match_year == "2024" & figures$metric == "pgy1_match_rate" &
                figures$population == populations[[group]] & figures$specialty == "" &
                !(figures$status %in% c("disputed", "seed_only")), ]
  of[1, ]
}

one <- function(group) {
  rows <- if (group == "all") panel else panel[panel$img_type == group, ]
  of <- rows[rows$disposition != "NE", ]
  told <- of[of$match_items_answered == "1", ]
  registered <- told[told$registered == "1", ]
  active <- told[told$certified_rol == "1", ]
  matched <- active[active$main_result == "matched_pgy1", ]
  placed <- function(d) sum(d$main_result == "matched_pgy1" | d$soap_result == "placed_pgy1")
  x <- nrow(matched)
  n <- nrow(active)
  m <- nrow(of) - nrow(told)
  verified <- sum(matched$outcome_source %in% c("document_verified", "roster_verified"))
  letters <- of[of$lor_earned != "", ]
  earned <- sum(letters$lor_earned == "1")
  counts <- table(factor(rows$disposition, c("I", "P", "R", "NC_no_reply", "NC_bounced",
                                             "NC_not_invited", "O_deceased", "NE")))
  nc <- sum(counts[c("NC_no_reply", "NC_bounced", "NC_not_invited")])
  known <- sum(counts) - counts[["NE"]]
  b <- as.numeric(national(group)$value) / 100
  list(
    eligible = nrow(of), invited = sum(of$invited == "1"),
    delivered = sum(of$delivery == "delivered"),
    responded_I_or_P = sum(of$disposition %in% c("I", "P")), match_items_answered = nrow(told),
    silent = m, registered = nrow(registered), active_applicants = n, matched_pgy1 = x,
    matched_pgy2_only = sum(active$main_result == "matched_pgy2_only"),
    match_rate = x / n, wilson95 = score(x, n),
    clopper_pearson95 = as.numeric(binom.test(x, n)$conf.int),
    placed_pgy1_active = placed(active), placement_rate_active = placed(active) / n,
    placed_pgy1_all_registered = placed(registered),
    placement_rate_all_registered = placed(registered) / nrow(registered),
    manski_unknown_applicants = c(x / (n + m), (x + m) / (n + m)),
    matched_verified = verified, share_of_matches_verified = verified / x,
    matched_verified_only_rate_lower = verified / n,
    lor_known = nrow(letters), lor_earned = earned, lor_rate = earned / nrow(letters),
    lor_wilson95 = score(earned, nrow(letters)),
    aapor = response(counts[["I"]], counts[["P"]], counts[["R"]], nc, counts[["O_deceased"]], 0, 0,
                     known / (known + counts[["NE"]])),
    benchmark = b, p_two_sided = binom.test(x, n, b)$p.value,
    p_greater = binom.test(x, n, b, alternative = "greater")$p.value,
    p_less = binom.test(x, n, b, alternative = "less")$p.value,
    tipping_point = list(rate = (b * (n + m) - x) / m,
                         possible = b * (n + m) >= x && b * (n + m) <= x + m))
}
groups <- lapply(setNames(names(populations), names(populations)), one)
holm <- p.adjust(vapply(groups, function(g) g$p_two_sided, 0), "holm")
for (name in names(groups)) groups[[name]]$p_holm <- holm[[name]]

# What is left of a national count without the panel's own applicants.
whole <- national("all")
rest <- list(matched_pgy1 = as.numeric(whole$numerator) - groups$all$matched_pgy1,
             active_applicants = as.numeric(whole$denominator) - groups$all$active_applicants)
two <- c(groups$all$matched_pgy1, groups$all$active_applicants, rest$matched_pgy1,
         rest$active_applicants)
p1 <- two[1] / two[2]
p2 <- two[3] / two[4]
ours <- score(two[1], two[2])
theirs <- score(two[3], two[4])
rest$rate <- p2
rest$diff <- p1 - p2
rest$newcombe95 <- c(p1 - p2 - sqrt((p1 - ours[1])^2 + (theirs[2] - p2)^2),
                     p1 - p2 + sqrt((ours[2] - p1)^2 + (p2 - theirs[1])^2))
rest$fisher_p_two_sided <- fisher.test(matrix(c(two[1], two[2] - two[1], two[3], two[4] - two[3]),
                                              nrow = 2))$p.value

cat(text(list(r = R.version.string, aapor = aapor, bounds = bounds, tipping = tipping,
              groups = groups, without_panel = rest)), "\n", sep = "")
