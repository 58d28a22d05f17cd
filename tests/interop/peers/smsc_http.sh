#!/usr/bin/env bash
# The HTTP API of the SMSC service asked by curl alone: the example requests of its documentation, by GET and by
# POST, and its answers in all four formats, octet for octet but for ids, money and times.
#
# Usage: smsc_http.sh URL
# The service knows login alex and password 123, as the documentation has them, and has no limits on requests.
# Prints a line for each answer, "ok …" or "not ok …"; exit status 0 when all are ok.
set -uo pipefail

url=${1?usage: smsc_http.sh URL}
case $url in
    http://127.0.0.1:*|http://localhost:*|'http://[::1]:'*) ;;
    *) echo "$url is not on loopback, and this sends messages" >&2; exit 2 ;;
esac
me='login=alex&psw=123'
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
good=0 bad=0

each=(--noproxy '*' --globoff --max-time 20 --write-out '%{http_code} %{content_type}\n')

# take FILE: an answer's body, as it is.
take() { IFS= read -r -d '' body < "$1"; }

# ask CURL'S ARGUMENT…: one answer in $body, $code and $type.
ask() {
    : > "$scratch/body"
    curl --silent --show-error "${each[@]}" --output "$scratch/body" "$@" > "$scratch/said"
    read -r code type < "$scratch/said"
    take "$scratch/body"
}

# Sets $wanted to a text as a regular expression: only what stands between two @ is not literal.
as_pattern() {
    local special date='[0-9]{2}\.[0-9]{2}\.[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}'
    wanted=$1
    for special in '\' '[' ']' '.' '*' '^' '$' '(' ')' '{' '}' '?' '+' '|'; do
        wanted=${wanted//"$special"/\\"$special"}
    done
    wanted=${wanted//@id@/[1-9][0-9]*}
    wanted=${wanted//@n@/[0-9]+}
    wanted=${wanted//@money@/[0-9]+\\.[0-9]{2\}}
    wanted=${wanted//@date@/$date}
    wanted=${wanted//@ts@/1[0-9]{9\}}
    wanted=${wanted//@word@/[^,<\"$'\n']*}
}

# expect NAME ANSWER [TYPE]
expect() {
    local wanted
    as_pattern "$2"
    if [ "$code" = 200 ] && [[ $body =~ ^$wanted$ ]] && { [ -z "${3-}" ] || [ "$type" = "$3" ]; }; then
        good=$((good + 1))
        echo "ok $1"
    else
        bad=$((bad + 1))
        printf 'not ok %s\n  wanted 200 %s %q\n  got %s %s %q\n' "$1" "${3-}" "$2" "$code" "$type" "$body"
    fi
}

types=(text/plain text/plain text/xml application/json)

# four NAME SCRIPT?QUERY and the answer in fmt 0, 1, 2, 3, each by GET and by POST. The first GET is the query
# as it stands. A # in the query becomes a number, another one each time.
four() {
    local name=$1 script=${2%%\?*} query=${2#*\?} charset=windows-1251 fmt method asked tries=0 all=()
    shift 2
    for fmt in 0 1 2 3; do
        for method in GET POST; do
            tries=$((tries + 1))
            asked=${query//#/$tries}
            [ "$fmt$method" = 0GET ] || asked+="&fmt=$fmt"
            : > "$scratch/body$tries"
            all+=("${each[@]}" --output "$scratch/body$tries")
            case $method in
                GET) all+=("$url/sys/$script?$asked" --next) ;;
                POST) all+=("$url/sys/$script" --data "$asked" --next) ;;
            esac
        done
    done
    unset 'all[-1]'
    curl --silent --show-error "${all[@]}" > "$scratch/said"
    case $query in *charset=utf-8*) charset=utf-8 ;; esac
    tries=0
    for fmt in 0 1 2 3; do
        for method in GET POST; do
            tries=$((tries + 1))
            read -r code type
            take "$scratch/body$tries"
            expect "$name, fmt=$fmt by $method" "$1" "${types[fmt]}; charset=$charset"
        done
        shift
    done < "$scratch/said"
}

json() {  # members, as the service sets them
    local IFS=$'\n' lines
    lines=$(printf '%s,\n' "$@")
    printf '{\n%s\n}' "${lines%,}"
}

xml() {  # ROOT LINE…
    local root=$1
    shift
    printf '<%s>\n' "$root"
    printf '%s\n' "$@"
    printf '</%s>' "$root"
}

# sent NAME COUNT QUERY
sent() {
    four "$1" "send.php?$3" "OK - $2 SMS, ID - @id@" "@id@,$2" "$(xml result '<id>@id@</id>' "<cnt>$2</cnt>")" \
        "$(json '"id": @id@' "\"cnt\": $2")"
}

# refused NAME NUMBER TEXT SCRIPT?QUERY
refused() {
    four "$1" "$4" "ERROR = $2 ($3)" "0,-$2" \
        "$(xml result "<error>$3</error>" "<error_code>$2</error_code>")" \
        "$(json "\"error\": \"$3\"" "\"error_code\": $2")"
}

# -- the documentation's examples of send.php ----------------------------------------------------------

one="$me&phones=79999999999"
sent text 1 "$one&mes=Hello!"
sent list 2 "$me&list=79999999999:Hello!%0A79999999999:Hello\\nworld!"
sent 'flash, translit, time, sender' 1 \
    "$one&mes=Hello%20world!&translit=1&time=0101120000&flash=1&sender=ivan&charset=utf-8"
sent push 1 "$one&mes=http://wap.ru%0AWAP.RU&push=1"
sent comment 2 "$one%2C78888888888&mes=Hello!%0A~~~%0AComment"
sent 'comments in a list' 2 \
    "$me&list=79999999999:Hello1!\\n~~~\\nComment1%0A78888888888:Hello2!\\n~~~\\nComment2"
sent HLR 1 "$one&hlr=1"
sent MMS 1 "$one&mes=Hello&subj=Privet&mms=1"
sent e-mail 1 "$me&phones=alex%40mysite.com&mes=Hello&subj=Privet&sender=alex2%40mysite2.com&mail=1"
sent call @n@ "$one&mes=Hello%20world&call=1&voice=m&param=20%2C10%2C3"
sent 'call with a file' @n@ "$one&call=1&fileurl=http://mysite.com/voice.wav"
sent viber 1 "$one&mes=Hello&viber=1"
sent telegram 1 "$me&phones=%231122334455&mes=Hi&bot=@mybot_bot"
sent prefix 1 "$one&mes=__PING__"
sent EMS 1 "$one&mes=050A0307056048656C6C6F2C20576F726C6421&bin=2"
sent WAP-push 1 "$one&bin=2&mes=0605040B8423F0DC0601AE02056A0045C60C037761702E72752F0001037761702E7275000101"

group="phones.php?$me&add_group=1&fmt=1&name=group"
for number in 777 888; do
    ask "$url/sys/$group$number&num=$number"
    expect "group $number" @id@
    ask "$url/sys/phones.php?$me&fmt=1&add=1&name=Contact&phone=79999999$number&grp=$body"
    expect "contact of group $number" @id@
done
sent groups 2 "$me&phones=G777%2Cg888&mes=Hello!"

# -- the four answers about money ----------------------------------------------------------------------

four 'cost=1' "send.php?$one&mes=Hello!&cost=1" '@money@ (1 SMS)' '@money@,1' \
    "$(xml result '<cost>@money@</cost>' '<cnt>1</cnt>')" "$(json '"cost": "@money@"' '"cnt": 1')"
four 'cost=2' "send.php?$one&mes=Hello!&cost=2&id=33" 'OK - 1 SMS, ID - 33, COST - @money@' '33,1,@money@' \
    "$(xml result '<id>33</id>' '<cnt>1</cnt>' '<cost>@money@</cost>')" \
    "$(json '"id": 33' '"cnt": 1' '"cost": "@money@"')"
four 'cost=3' "send.php?$one&mes=Hello!&cost=3&id=33" \
    'OK - 1 SMS, ID - 33, COST - @money@, BALANCE - @money@' '33,1,@money@,@money@' \
    "$(xml result '<id>33</id>' '<cnt>1</cnt>' '<cost>@money@</cost>' '<balance>@money@</balance>')" \
    "$(json '"id": 33' '"cnt": 1' '"cost": "@money@"' '"balance": "@money@"')"
row='79999999999,@n@,@money@,-1,0'
phone='<phone mccmnc="@n@" cost="@money@" status="-1" error="0">79999999999</phone>'
members='"mccmnc": "@n@",
"cost": "@money@",
"status": "-1",
"error": "0"'
four 'op=1' "send.php?$one&mes=Hello!&op=1&id=33" "OK - 1 SMS, ID - 33
$row" "33,1
$row" "$(xml result '<id>33</id>' '<cnt>1</cnt>' '<phones>' "$phone" '</phones>')" \
    "$(json '"id": 33' '"cnt": 1' "\"phones\": [$(json '"phone": "79999999999"' "$members")]")"
four balance "balance.php?$me" @money@ @money@ '<balance>@money@</balance>' "$(json '"balance": "@money@"')"
four currency "balance.php?$me&cur=1" '@money@ RUR' '@money@,RUR' \
    "$(xml result '<balance>@money@</balance>' '<currency>RUR</currency>')" \
    "$(json '"balance": "@money@"' '"currency": "RUR"')"

# -- errors ----------------------------------------------------------------------------------------------

refused 'wrong password' 2 'authorise error' 'balance.php?login=alex&psw=wrong'
refused 'no text' 1 'parameters error' "send.php?$one"
four 'bad number' "send.php?$me&phones=12&mes=Hello!&id=33" 'ERROR = 7 (invalid number), ID - 33' '33,-7' \
    "$(xml result '<error>invalid number</error>' '<error_code>7</error_code>' '<id>33</id>')" \
    "$(json '"error": "invalid number"' '"error_code": 7' '"id": 33')"

# -- status.php ------------------------------------------------------------------------------------------

# finished ID PHONE: once the message is delivered
finished() {
    local try
    for try in {1..100}; do
        ask "$url/sys/status.php?$me&fmt=1&phone=$2&id=$1"
        [ "${body%%,*}" != 1 ] || return 0
        sleep 0.05
    done
    echo "message $1 is not delivered: $body" >&2
}

ask "$url/sys/send.php?$one&mes=Hello!%0A~~~%0AComment&sender=ivan&id=501"
ask "$url/sys/send.php?$one&hlr=1&id=502"
ask "$url/sys/send.php?$one&mes=Hello!&id=503"
finished 501 79999999999
finished 502 79999999999
finished 503 79999999999
of="status.php?$me&phone=79999999999"

short=('"status": 1' '"last_date": "@date@"' '"last_timestamp": @ts@' '"flag": 0' '"err": 0')
tags=('<status>1</status>' '<last_date>@date@</last_date>' '<last_timestamp>@ts@</last_timestamp>'
    '<flag>0</flag>' '<err>0</err>')
four status "$of&id=501" 'Status = 1, check_time = @date@, err = 0' '1,@ts@,0' \
    "$(xml sms "${tags[@]}")" "$(json "${short[@]}")"

long='send_date = @date@, phone = 79999999999'
rest='cost = @money@, sender_id = ivan, status_name = @word@, message = Hello!, comment = Comment, type = 0'
sending=('"send_date": "@date@"' '"send_timestamp": @ts@' '"phone": "79999999999"' '"cost": "@money@"'
    '"sender_id": "ivan"' '"status_name": "@word@"' '"message": "Hello!"' '"comment": "Comment"')
sending_tags=('<send_date>@date@</send_date>' '<send_timestamp>@ts@</send_timestamp>' '<phone>79999999999</phone>'
    '<cost>@money@</cost>' '<sender_id>ivan</sender_id>' '<status_name>@word@</status_name>'
    '<message>Hello!</message>' '<comment>Comment</comment>')
place=('"mccmnc": "@n@"' '"country": "@word@"' '"operator": "@word@"' '"operator_orig": "@word@"'
    '"region": "@word@"')
place_tags=('<mccmnc>@n@</mccmnc>' '<country>@word@</country>' '<operator>@word@</operator>'
    '<operator_orig>@word@</operator_orig>' '<region>@word@</region>')
four 'status, all=1' "$of&id=501&all=1" "Status = 1, check_time = @date@, err = 0, $long, $rest" \
    '1,@ts@,0,@ts@,79999999999,@money@,ivan,@word@,Hello!, Comment, 0' \
    "$(xml sms "${tags[@]}" "${sending_tags[@]}" '<type>0</type>' '<sms_cnt>1</sms_cnt>')" \
    "$(json "${short[@]}" "${sending[@]}" '"type": 0' '"sms_cnt": 1')"
where='mccmnc = @n@, country = @word@, operator = @word@, operator_orig= @word@, region = @word@'
four 'status, all=2' "$of&id=501&all=2" "Status = 1, check_time = @date@, err = 0, $long, $where, $rest" \
    '1,@ts@,0,@ts@,79999999999,@word@,@word@,@word@,@money@,ivan,@word@,Hello!, Comment, 0' \
    "$(xml sms "${tags[@]}" "${sending_tags[@]}" "${place_tags[@]}" '<type>0</type>' '<sms_cnt>1</sms_cnt>')" \
    "$(json "${short[@]}" "${sending[@]}" "${place[@]}" '"type": 0' '"sms_cnt": 1')"

found='imsi = @n@, msc = @n@, mcc = @n@, mnc = @n@, cn = @word@, net = @word@, rcn = @word@, rnet = @word@'
seen=('"imsi": "@n@"' '"msc": "@n@"' '"mcc": "@n@"' '"mnc": "@n@"' '"cn": "@word@"' '"net": "@word@"'
    '"rcn": "@word@"' '"rnet": "@word@"')
seen_tags=('<imsi>@n@</imsi>' '<msc>@n@</msc>' '<mcc>@n@</mcc>' '<mnc>@n@</mnc>' '<cn>@word@</cn>'
    '<net>@word@</net>' '<rcn>@word@</rcn>' '<rnet>@word@</rnet>')
looked_up=("${short[@]/\"flag\": 0/\"flag\": 4}")
looked_up_tags=("${tags[@]/<flag>0</<flag>4<}")
four 'status of HLR' "$of&id=502" "Status = 1, check_time = @date@, err = 0, $found" \
    '1,@ts@,0,@n@,@n@,@n@,@n@,@word@,@word@,@word@,@word@' \
    "$(xml sms "${looked_up_tags[@]}" "${seen_tags[@]}")" "$(json "${looked_up[@]}" "${seen[@]}")"

four 'several statuses' "status.php?$me&phone=79999999999,78888888888&id=503,999" \
    'Status = 1, check_time = @date@, err = 0, id = 503, phone = 79999999999
Status = -3, id = 999, phone = 78888888888' '1,@ts@,0,503,79999999999
-3,0,0,999,78888888888' \
    "$(xml list "$(xml sms "${tags[@]}" '<id>503</id>' '<phone>79999999999</phone>')" \
        "$(xml sms '<status>-3</status>' '<id>999</id>' '<phone>78888888888</phone>')")" \
    "[$(json "${short[@]}" '"id": 503' '"phone": "79999999999"'),
$(json '"status": -3' '"id": 999' '"phone": "78888888888"')]"
four 'not found' "$of&id=999" 'Status = -3' '-3,0,0' "$(xml sms '<status>-3</status>')" "$(json '"status": -3')"
refused 'nothing to delete' 5 '@word@' "$of&id=999&del=1"
for try in {1..8}; do ask "$url/sys/send.php?$one&mes=Hello!&id=60$try"; done
four delete "$of&id=60#&del=1" OK OK '<result>OK</result>' "$(json '"result": "OK"')"

# -- other scripts ---------------------------------------------------------------------------------------

four 'mailing list' "jobs.php?add=1&$me&phones=79999999999,78888888888&name=rassilka1\
&mes={Name},%20this%20is%20a%20Viber%20message&mes2=This%20is%20an%20SMS%20for%20{Name}\
&sender=MyViber&fl[5]=1&viber=1" \
    'OK, ID - @id@' @id@ "$(xml result '<id>@id@</id>')" "$(json '"id": @id@')"
four contact "phones.php?add=1&$me&phone=7999999990#&name=Contact" \
    'ID = @id@' @id@ "$(xml phone '<id>@id@</id>')" "$(json '"id": @id@')"
four blacklist "phones.php?add_black=1&$me&phone=79999999999&type=1" \
    'ID = @id@' @id@ "$(xml phone '<id>@id@</id>')" "$(json '"id": @id@')"
# (the documentation's own example has a password that its rules do not allow)
four sub-client "users.php?add=1&$me&user=mylogin#&password=My-password1&phone=79999999999&fl[29]=1" \
    'ID = @id@' @id@ "$(xml user '<id>@id@</id>')" "$(json '"id": @id@')"
four 'sender name' "senders.php?add=1&$me&sender=my_shop#&cmt=test" \
    'ID = @id@' @id@ "$(xml sender '<id>@id@</id>')" "$(json '"sender": @id@')"
refused 'code that nobody has sent' @n@ '@word@' "senders.php?check_code=1&$me&sender=79999999999&code=338824"
four template "templates.php?add=1&$me&name=hello&msg=Hello!" \
    'ID - @id@' @id@ "$(xml template '<id>@id@</id>')" "$(json '"id": @id@')"
refused 'history of nobody' 3 '@word@' "get.php?get_messages=1&$me&phone=79000000000"
four operator "info.php?get_operator=1&$me&phone=79999999999" \
    'country = @word@, operator = @word@, region = @word@, mcc = @n@, mnc = @n@, tz = @n@' \
    '@word@,@word@,@word@,@n@,@n@,@n@' \
    "$(xml info '<country>@word@</country>' '<operator>@word@</operator>' '<region>@word@</region>' \
        '<mcc>@n@</mcc>' '<mnc>@n@</mnc>' '<tz>@n@</tz>')" \
    "$(json '"country": "@word@"' '"operator": "@word@"' '"region": "@word@"' '"mcc": "@n@"' '"mnc": "@n@"' \
        '"tz": "@n@"')"
refused 'unknown short link' 3 '@word@' "tinyurls.php?get=1&$me&id=145142"
numbers=('<phone>@n@</phone>' '<phone>@n@</phone>' '<phone>@n@</phone>')
four 'number to call' "wait_call.php?$me&phone=79999999999" 'phone = @n@, all_phones = @n@,@n@,@n@' '@n@,@n@,@n@' \
    "$(xml result '<phone>@n@</phone>' '<all_phones>' "${numbers[@]}" '</all_phones>')" \
    "$(json '"phone": "@n@"' '"all_phones": ["@n@", "@n@", "@n@"]')"

# -- JSON in, files, large bodies, other alphabets -------------------------------------------------------

ask "$url/rest/send/" --header 'Content-Type: application/json' --data \
    '{"login": "alex", "psw": "123", "phones": "79999999999", "mes": "Hello", "cost": 3, "id": 14}'
expect 'JSON in the body' "$(json '"id": 14' '"cnt": 1' '"cost": "@money@"' '"balance": "@money@"')" \
    'application/json; charset=utf-8'
head -c 200 /dev/zero > "$scratch/cat.jpg"
ask "$url/sys/send.php" --form login=alex --form psw=123 --form phones=79999999999 --form mes=cat \
    --form mms=1 --form fmt=1 --form id=15 --form "file0=@$scratch/cat.jpg"
expect 'a file in a multipart body' '15,1'
ask "$url/sys/send.php" --header 'Expect: 100-continue' --expect100-timeout 15 --max-time 10 \
    --data "$one&mes=Hello!&fmt=1&id=16"
expect 'a body that waits until it is asked for' '16,1'
for text in windows-1251:%CF%F0%E8%E2%E5%F2 koi8-r:%F0%D2%C9%D7%C5%D4 \
    utf-8:%D0%9F%D1%80%D0%B8%D0%B2%D0%B5%D1%82; do
    charset=${text%%:*} text=${text#*:}
    ask "$url/sys/send.php?$one&charset=$charset&fmt=1&id=17&mes=$text"
    expect "a text in $charset" '17,1' "text/plain; charset=$charset"
    ask "$url/sys/status.php?$me&phone=79999999999&id=17&all=1&charset=utf-8"
    expect "the same text as status.php has it" "Status = @word@, check_time = @date@, err = 0, $long, \
cost = @money@, sender_id = @word@, status_name = @word@, message = Привет, comment = , type = 0"
done

echo "$good ok, $bad not ok"
[ "$bad" -eq 0 ]
